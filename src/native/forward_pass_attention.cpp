// The forward pass through a block's attention: its queries, keys and values, and their rows.
#include <algorithm>

#include "forward_pass.h"

namespace poolwise {

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

}  // namespace poolwise
