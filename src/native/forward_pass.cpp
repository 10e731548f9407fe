#include "forward_pass.h"

#include <algorithm>
#include <cmath>

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

void ForwardPass::project(const Block& block, int first, int count, bool keys_values,
                          bool queries) {
    const Shape& shape = encoder_.shape;
    const float* hidden = workspace_.hidden.data() + first * stride_;
    const float* input = normalized(block.attention_input_norm, hidden, count);
    const LinearInput x = convert(block.query, input, stride_, count);
    if (keys_values) {
        float* out = workspace_.key_value.data() + first * key_value_stride_;
        multiply(block.key_value, x, count, {}, out, key_value_stride_);
        rotate(block, out, key_value_stride_, first, count, shape.key_value_heads);
    }
    if (queries) {
        float* out = workspace_.query.data() + first * query_stride_;
        multiply(block.query, x, count, {}, out, query_stride_);
        rotate(block, out, query_stride_, first, count, shape.heads);
    }
}

// Leaves only the rows in `hidden` that the plan needs of the deepest layer.
void ForwardPass::select_rows() {
    const int* rows = plan_.rows;
    for (int r = 0; r < plan_.row_count; ++r) {
        const float* row = workspace_.hidden.data() + rows[r] * stride_;
        if (rows[r] > r) std::copy(row, row + stride_, workspace_.hidden.data() + r * stride_);
        workspace_.token_positions[r] = batch_.positions[rows[r]];
    }
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

// Rotates the first `heads` heads of rows that belong to the tokens from `first` on.
void ForwardPass::rotate(const Block& block, float* rows, std::size_t stride, int first, int count,
                         int heads) {
    if (block.rotary < 0) return;
    const int* positions =
        (rows_selected_ ? workspace_.token_positions.data() : batch_.positions) + first;
    const float* table = encoder_.rotary[block.rotary].data();
    for_rows(count, [&](int begin, int end) {
        kernels_.rotate(rows + begin * stride, stride, end - begin, positions + begin, table, heads,
                        encoder_.shape.head_width);
    });
}

void ForwardPass::attend(const Block& block) {
    const int heads = encoder_.shape.heads;
    threads_.parallel_for(heads * batch_.sequences, [&](int begin, int end, int thread) {
        for (int s = begin / heads; s * heads < end; ++s)
            attend(block, s, std::max(begin - s * heads, 0), std::min(end - s * heads, heads),
                   workspace_.attention_scratch[thread].data());
    });
}

void ForwardPass::attend(const Block& block, int sequence, int first_head, int last_head,
                         float* scratch) {
    const Shape& shape = encoder_.shape;
    const int span = encoder_.relative_span, group = shape.heads / shape.key_value_heads;
    const int max_positions = encoder_.embeddings.max_positions;
    const int first_token = batch_.offsets[sequence];
    const int first_row = workspace_.row_offsets[sequence];
    AttentionHead head;
    head.queries = workspace_.row_offsets[sequence + 1] - first_row;
    head.tokens = batch_.offsets[sequence + 1] - first_token;
    if (head.queries == 0) return;
    if (rows_selected_) head.query_positions = workspace_.query_positions.data() + first_row;
    head.q_stride = head.out_stride = query_stride_;
    head.kv_stride = key_value_stride_;
    head.width = shape.head_width;
    head.scale = shape.attention_scale;
    head.window = block.window;
    head.format = block.query.format;
    head.scratch = scratch;
    RelativePositions relative;
    relative.rows = encoder_.relative_rows;
    if (relative.rows) relative.row_of_distance = &encoder_.distance_rows[max_positions - 1];
    if (!block.relative_keys.empty() || block.relative_queries.size()) head.relative = &relative;
    for (int h = first_head; h < last_head; ++h) {
        const std::size_t row = first_row * query_stride_ + h * shape.head_width;
        head.q = workspace_.query.data() + row;
        head.out = workspace_.context.data() + row;
        head.k = workspace_.key_value.data() + first_token * key_value_stride_ +
                 h / group * shape.head_width;
        head.v = head.k + shape.key_value_width();
        if (span) {
            const std::size_t distances = 2 * static_cast<std::size_t>(span) - 1;
            head.relative_bias = encoder_.relative_bias.data() + h * distances + span - 1;
        }
        if (!block.relative_keys.empty())
            relative.keys = reinterpret_cast<const float*>(block.relative_keys[h].data);
        if (block.relative_queries.size())
            relative.queries = block.relative_queries.data() +
                               static_cast<std::size_t>(h) * relative.rows * shape.head_width;
        kernels_.attend(head);
    }
}

// attended = attention_norm(hidden + attention_output(context))
void ForwardPass::add_attention(const Block& block, int first, int count) {
    const float* context = workspace_.context.data() + first * query_stride_;
    const float* hidden = workspace_.hidden.data() + first * stride_;
    float* out = workspace_.attended.data();
    const LinearInput x = convert(block.attention_output, context, query_stride_, count);
    multiply(block.attention_output, x, count, {.residual = hidden, .residual_stride = stride_},
             out, stride_);
    normalize(block.attention_norm, out, stride_, count, encoder_.shape.width);
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
