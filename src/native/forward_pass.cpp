#include "forward_pass.h"

#include <algorithm>

namespace poolwise {
namespace {

void add(float* sum, const float* row, int width) {
    for (int i = 0; i < width; ++i) sum[i] += row[i];
}

}  // namespace

ForwardPass::ForwardPass(const Encoder& encoder, const Batch& batch, const OutputPlan& plan,
                         Workspace& workspace, ThreadLease& threads)
    : encoder_(encoder),
      kernels_(encoder.kernels),
      batch_(batch),
      plan_(plan),
      workspace_(workspace),
      threads_(threads),
      stride_(row_stride(encoder.shape.width)),
      query_stride_(row_stride(encoder.shape.query_width())),
      key_value_stride_(row_stride(2 * encoder.shape.key_value_width())),
      inner_stride_(row_stride(encoder.shape.inner)),
      rows_(batch.tokens()) {}

void ForwardPass::run() {
    for_steps([&](int first, int count) { embed(first, count); });
    write_outputs(0);
    for (int layer = 1; layer <= plan_.deepest; ++layer) {
        run_block(layer);
        if (layer == encoder_.depth())
            normalize(encoder_.final_norm, workspace_.hidden.data(), stride_, rows_,
                      encoder_.shape.width);
        write_outputs(layer);
    }
    if (plan_.pooler) run_pooler();
}

void ForwardPass::embed(int first, int count) {
    const Embeddings& tables = encoder_.embeddings;
    const bool project = tables.projection.out > 0;
    float* hidden = workspace_.hidden.data() + first * stride_;
    float* out = project ? workspace_.embedded.data() : hidden;
    const std::size_t stride = project ? row_stride(tables.width) : stride_;
    const auto row = [&](const float* table, int index) {
        return table + static_cast<std::size_t>(index) * tables.width;
    };
    for (int r = 0; r < count; ++r) {
        float* x = out + r * stride;
        std::copy_n(row(tables.words, batch_.ids[first + r]), tables.width, x);
        if (tables.token_type != nullptr) add(x, tables.token_type, tables.width);
        if (tables.positions != nullptr)
            add(x, row(tables.positions, batch_.positions[first + r]), tables.width);
    }
    normalize(tables.norm, out, stride, count, tables.width);
    if (project) {
        const LinearInput x = convert(tables.projection, out, stride, count);
        multiply(tables.projection, x, count, {}, hidden, stride_);
    }
    normalize(tables.projected_norm, hidden, stride_, count, encoder_.shape.width);
}

void ForwardPass::run_block(int layer) {
    const Block& block = encoder_.blocks[encoder_.order[layer - 1]];
    const bool select = layer == plan_.deepest && plan_.rows != nullptr;
    for_steps([&](int first, int count) { project(block, first, count, true, !select); });
    if (select) {
        select_rows();
        for_steps([&](int first, int count) { project(block, first, count, false, true); });
    }
    attend(block);
    for_steps([&](int first, int count) {
        add_attention(block, first, count);
        add_feed_forward(block, first, count);
    });
}

// hidden = output_norm(attended + feed_forward(feed_forward_input_norm(attended)))
void ForwardPass::add_feed_forward(const Block& block, int first, int count) {
    const float* attended = workspace_.attended.data();
    float* hidden = workspace_.hidden.data() + first * stride_;
    float* inner = workspace_.inner.data();
    const float* input = normalized(block.feed_forward_input_norm, attended, count);
    const LinearInput x = convert(block.intermediate, input, stride_, count);
    Epilogue activation{.activation = encoder_.shape.activation};
    if (block.gate.out) {
        multiply(block.gate, x, count, {}, workspace_.gate.data(), inner_stride_);
        activation.factor = workspace_.gate.data();
        activation.factor_stride = inner_stride_;
    }
    multiply(block.intermediate, x, count, activation, inner, inner_stride_);
    const LinearInput activations = convert(block.output, inner, inner_stride_, count);
    multiply(block.output, activations, count, {.residual = attended, .residual_stride = stride_},
             hidden, stride_);
    normalize(block.output_norm, hidden, stride_, count, encoder_.shape.width);
}

void ForwardPass::normalize(const Norm& norm, float* rows, std::size_t stride, int count,
                            int width) {
    if (norm.exists()) normalize(norm, rows, rows, stride, count, width);
}

const float* ForwardPass::normalized(const Norm& norm, const float* rows, int count) {
    if (!norm.exists()) return rows;
    normalize(norm, rows, workspace_.normalized.data(), stride_, count, encoder_.shape.width);
    return workspace_.normalized.data();
}

void ForwardPass::normalize(const Norm& norm, const float* rows, float* out, std::size_t stride,
                            int count, int width) {
    const Shape& shape = encoder_.shape;
    for_rows(count, [&](int begin, int end) {
        const float* x = rows + begin * stride;
        float* y = out + begin * stride;
        if (shape.normalization == Normalization::rms)
            kernels_.rms_norm(x, y, stride, end - begin, width, norm.gain.data(), shape.epsilon);
        else
            kernels_.layer_norm(x, y, stride, end - begin, width, norm.gain.data(),
                                norm.bias.data(), shape.epsilon);
    });
}

LinearInput ForwardPass::convert(const Matrix& m, const float* x, std::size_t stride, int rows) {
    if (m.format == Format::f32) return {x, stride * sizeof(float), nullptr};
    const std::size_t bytes = converted_bytes(m);
    unsigned char* out = workspace_.converted.data();
    float* scales = workspace_.scales.data();
    for_rows(rows, [&](int begin, int end) {
        kernels_.convert(m, x + begin * stride, stride, end - begin, out + begin * bytes, bytes,
                         scales + begin);
    });
    return {out, bytes, scales};
}

void ForwardPass::multiply(const Matrix& m, const LinearInput& x, int rows,
                           const Epilogue& epilogue, float* out, std::size_t stride) {
    threads_.parallel_for(m.panels, [&](int begin, int end, int) {
        kernels_.multiply(m, x, rows, begin, end, epilogue, out, stride);
    });
}

}  // namespace poolwise
