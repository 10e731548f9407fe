// The outputs of a forward pass: pooled vectors, the pooler's vectors and hidden states.
#include <algorithm>
#include <cmath>
#include <limits>

#include "forward_pass.h"

namespace poolwise {

void ForwardPass::write_outputs(int layer) {
    copy_hidden_states(layer);
    for (int s = 0; s < batch_.sequences; ++s) {
        for (std::size_t i = 0; i < plan_.linear.size(); ++i)
            if (plan_.linear[i].layer == layer) pool_linear(static_cast<int>(i), s);
        for (std::size_t i = 0; i < plan_.maxima.size(); ++i)
            pool_maximum(static_cast<int>(i), layer, s);
    }
}

void ForwardPass::copy_hidden_states(int layer) {
    const auto& layers = plan_.hidden_states;
    const auto match = std::find(layers.begin(), layers.end(), layer);
    if (match == layers.end()) return;
    const std::size_t width = encoder_.shape.width;
    const std::size_t index = match - layers.begin();
    float* out = plan_.hidden_out + index * rows_ * width;
    for_rows(rows_, [&](int begin, int end) {
        for (int r = begin; r < end; ++r)
            std::copy_n(workspace_.hidden.data() + r * stride_, width, out + r * width);
    });
}

void ForwardPass::pool_linear(int pool, int sequence) {
    const int width = encoder_.shape.width;
    const float* weights =
        plan_.weights + static_cast<std::size_t>(plan_.linear[pool].weights) * batch_.tokens();
    float* out =
        plan_.out + (static_cast<std::size_t>(pool) * batch_.sequences + sequence) * stride_;
    if (std::isnan(weights[batch_.offsets[sequence]])) {
        std::fill(out, out + width, std::numeric_limits<float>::quiet_NaN());
        return;
    }
    std::fill(out, out + stride_, 0.0f);
    const auto& offsets = workspace_.row_offsets;
    for (int r = offsets[sequence]; r < offsets[sequence + 1]; ++r) {
        const float weight = weights[rows_selected_ ? plan_.rows[r] : r];
        if (weight != 0)
            kernels_.accumulate(out, workspace_.hidden.data() + r * stride_, weight, width);
    }
}

void ForwardPass::pool_maximum(int pool, int layer, int sequence) {
    const OutputPlan::MaxPool& max_pool = plan_.maxima[pool];
    const auto& terms = max_pool.terms;
    const auto term =
        std::find_if(terms.begin(), terms.end(), [&](auto& t) { return t.first == layer; });
    if (term == terms.end()) return;
    const int width = encoder_.shape.width;
    const int begin = batch_.offsets[sequence], end = batch_.offsets[sequence + 1];
    const float* states = workspace_.hidden.data();
    if (max_pool.sums_layers()) {
        float* sum = workspace_.sums[pool].data();
        for (int t = begin; t < end; ++t) {
            if (term == terms.begin()) std::fill(sum + t * stride_, sum + (t + 1) * stride_, 0.0f);
            kernels_.accumulate(sum + t * stride_, states + t * stride_, term->second, width);
        }
        states = sum;
    }
    if (term + 1 != terms.end()) return;
    const float* weights =
        plan_.weights + static_cast<std::size_t>(max_pool.weights) * batch_.tokens();
    float* out = plan_.out + ((plan_.linear.size() + pool) * batch_.sequences + sequence) * stride_;
    bool empty = true;
    std::fill(out, out + stride_, -std::numeric_limits<float>::infinity());
    for (int t = begin; t < end; ++t) {
        if (weights[t] == 0) continue;
        empty = false;
        kernels_.maximum(out, states + t * stride_, width);
    }
    if (empty) std::fill(out, out + width, std::numeric_limits<float>::quiet_NaN());
}

// tanh(W [CLS] + b) of the last hidden state.
void ForwardPass::run_pooler() {
    const int width = encoder_.shape.width, sequences = batch_.sequences;
    float* inputs = workspace_.pooler.data();
    float* outputs = inputs + sequences * stride_;
    for (int s = 0; s < sequences; ++s) {
        const float* row = workspace_.hidden.data() + workspace_.row_offsets[s] * stride_;
        std::copy(row, row + stride_, inputs + s * stride_);
    }
    const LinearInput x = convert(encoder_.pooler, inputs, stride_, sequences);
    multiply(encoder_.pooler, x, sequences, {}, outputs, stride_);
    float* out = plan_.out + (plan_.linear.size() + plan_.maxima.size()) * sequences * stride_;
    for (int s = 0; s < sequences; ++s)
        for (int i = 0; i < width; ++i) out[s * stride_ + i] = std::tanh(outputs[s * stride_ + i]);
}

}  // namespace poolwise
