#include "forward_pass.h"

#include <algorithm>
#include <cmath>

namespace poolwise {
namespace {

constexpr int rows_in_cache = 96;  // rows whose inner activations stay in the second-level cache

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
      inner_stride_(row_stride(encoder.shape.inner)),
      rows_(batch.tokens()) {}

void ForwardPass::run() {
    embed();
    write_outputs(0);
    for (int layer = 1; layer <= plan_.deepest; ++layer) {
        run_block(layer);
        write_outputs(layer);
    }
    if (plan_.pooler) run_pooler();
}

void ForwardPass::embed() {
    const Embeddings& tables = encoder_.embeddings;
    const bool project = tables.projection.out > 0;
    float* out = project ? workspace_.embedded.data() : workspace_.hidden.data();
    const std::size_t stride = project ? row_stride(tables.width) : stride_;
    const auto row = [&](const float* table, int index) {
        return table + static_cast<std::size_t>(index) * tables.width;
    };
    for (int t = 0; t < rows_; ++t) {
        float* x = out + t * stride;
        const float* word = row(tables.words, batch_.ids[t]);
        const float* position = row(tables.positions, batch_.positions[t]);
        if (tables.token_type != nullptr)
            for (int i = 0; i < tables.width; ++i)
                x[i] = word[i] + tables.token_type[i] + position[i];
        else
            for (int i = 0; i < tables.width; ++i) x[i] = word[i] + position[i];
    }
    normalize(tables.norm, out, stride, rows_, tables.width);
    if (!project) return;
    const LinearInput x = convert(tables.projection, out, stride, rows_);
    multiply(tables.projection, x, rows_, {}, workspace_.hidden.data(), stride_);
}

// A single thread takes blocks of rows that stay in its cache; several threads share the columns of
// each product of all rows.
int ForwardPass::rows_per_step() const {
    return threads_.single_threaded() ? rows_in_cache : std::max(rows_, 1);
}

void ForwardPass::run_block(int layer) {
    const Block& block = encoder_.blocks[layer - 1];
    const bool select = layer == plan_.deepest && plan_.rows != nullptr;
    const std::size_t kv_stride = row_stride(2 * encoder_.shape.width);
    for (int r = 0; r < rows_; r += rows_per_step()) {
        const int count = std::min(rows_per_step(), rows_ - r);
        const float* hidden = workspace_.hidden.data() + r * stride_;
        const LinearInput x = convert(block.key_value, hidden, stride_, count);
        multiply(block.key_value, x, count, {}, workspace_.key_value.data() + r * kv_stride,
                 kv_stride);
        if (!select)
            multiply(block.query, x, count, {}, workspace_.query.data() + r * stride_, stride_);
    }
    if (select) {
        select_rows();
        const LinearInput x = convert(block.query, workspace_.hidden.data(), stride_, rows_);
        multiply(block.query, x, rows_, {}, workspace_.query.data(), stride_);
    }
    attend();
    feed_forward(block);
}

// Leaves only the rows in `hidden` that the plan needs of the deepest layer.
void ForwardPass::select_rows() {
    const int* rows = plan_.rows;
    for (int r = 0; r < plan_.row_count; ++r) {
        const float* row = workspace_.hidden.data() + rows[r] * stride_;
        std::copy(row, row + stride_, workspace_.next.data() + r * stride_);
    }
    std::swap(workspace_.hidden, workspace_.next);
    auto& offsets = workspace_.row_offsets;
    for (int s = 0; s <= batch_.sequences; ++s)
        offsets[s] = static_cast<int>(
            std::lower_bound(rows, rows + plan_.row_count, batch_.offsets[s]) - rows);
    for (int s = 0; s < batch_.sequences; ++s)
        for (int r = offsets[s]; r < offsets[s + 1]; ++r)
            workspace_.query_positions[r] = rows[r] - batch_.offsets[s];
    rows_ = plan_.row_count;
    rows_selected_ = true;
}

void ForwardPass::attend() {
    const int heads = encoder_.shape.heads;
    threads_.parallel_for(heads * batch_.sequences, [&](int begin, int end, int thread) {
        for (int s = begin / heads; s * heads < end; ++s)
            attend(s, std::max(begin - s * heads, 0), std::min(end - s * heads, heads),
                   workspace_.attention_scratch[thread].data());
    });
}

void ForwardPass::attend(int sequence, int first_head, int last_head, float* scratch) {
    const Shape& shape = encoder_.shape;
    const int head_width = shape.width / shape.heads, span = encoder_.relative_span;
    const std::size_t kv_stride = row_stride(2 * shape.width);
    const int first_token = batch_.offsets[sequence];
    const int first_row = workspace_.row_offsets[sequence];
    AttentionHead head;
    head.queries = workspace_.row_offsets[sequence + 1] - first_row;
    head.tokens = batch_.offsets[sequence + 1] - first_token;
    if (head.queries == 0) return;
    if (rows_selected_) head.query_positions = workspace_.query_positions.data() + first_row;
    head.q_stride = head.out_stride = stride_;
    head.kv_stride = kv_stride;
    head.width = head_width;
    head.scale = 1.0f / std::sqrt(static_cast<float>(head_width));
    head.scratch = scratch;
    for (int h = first_head; h < last_head; ++h) {
        head.q = workspace_.query.data() + first_row * stride_ + h * head_width;
        head.k = workspace_.key_value.data() + first_token * kv_stride + h * head_width;
        head.v = head.k + shape.width;
        head.out = workspace_.context.data() + first_row * stride_ + h * head_width;
        if (span) {
            const std::size_t distances = 2 * static_cast<std::size_t>(span) - 1;
            head.relative_bias = encoder_.relative_bias.data() + h * distances + span - 1;
        }
        kernels_.attend(head);
    }
}

void ForwardPass::feed_forward(const Block& block) {
    const Shape& shape = encoder_.shape;
    for (int r = 0; r < rows_; r += rows_per_step()) {
        const int count = std::min(rows_per_step(), rows_ - r);
        float* x = workspace_.hidden.data() + r * stride_;
        float* y = workspace_.next.data() + r * stride_;
        float* inner = workspace_.inner.data() + r * inner_stride_;
        const float* context = workspace_.context.data() + r * stride_;
        const LinearInput attention = convert(block.attention_output, context, stride_, count);
        multiply(block.attention_output, attention, count,
                 {.residual = x, .residual_stride = stride_}, y, stride_);
        normalize(block.attention_norm, y, stride_, count, shape.width);
        const LinearInput normalized = convert(block.intermediate, y, stride_, count);
        multiply(block.intermediate, normalized, count, {.activation = shape.activation}, inner,
                 inner_stride_);
        const LinearInput activations = convert(block.output, inner, inner_stride_, count);
        multiply(block.output, activations, count, {.residual = y, .residual_stride = stride_}, x,
                 stride_);
        normalize(block.output_norm, x, stride_, count, shape.width);
    }
}

void ForwardPass::normalize(const LayerNorm& norm, float* rows, std::size_t stride, int count,
                            int width) {
    for_rows(count, [&](int begin, int end) {
        kernels_.layer_norm(rows + begin * stride, stride, end - begin, width, norm.gain.data(),
                            norm.bias.data(), encoder_.shape.epsilon);
    });
}

LinearInput ForwardPass::convert(const Matrix& m, const float* x, std::size_t stride, int rows) {
    if (m.format == Format::f32) return {x, stride * sizeof(float), nullptr};
    const std::size_t bytes = converted_bytes(m);
    unsigned char* out = workspace_.converted.data();
    float* scales = workspace_.scales.data();
    for_rows(rows, [&](int begin, int end) {
        kernels_.convert(m, x + begin * stride, stride, end - begin, out + begin * bytes, bytes,
                         scales + static_cast<std::size_t>(begin) * m.groups);
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
