#include "workspace.h"

#include <algorithm>

namespace poolwise {
namespace {

// A single thread takes steps of rows whose inner activations stay in its second-level cache;
// several threads share the columns of each product of far more rows.
constexpr int rows_in_cache = 96, shared_rows = 1024;

}  // namespace

void Workspace::reserve(const Encoder& encoder, const Batch& batch, const OutputPlan& plan,
                        int threads) {
    const Shape& shape = encoder.shape;
    const std::size_t tokens = batch.tokens();
    hidden.resize(tokens * row_stride(shape.width));
    for (auto* buffer : {&query, &context})
        buffer->resize(tokens * row_stride(shape.query_width()));
    key_value.resize(tokens * row_stride(2 * shape.key_value_width()));
    rows_per_step = std::min(batch.tokens(), threads == 1 ? rows_in_cache : shared_rows);
    reserve_step(encoder);
    reserve_converted(encoder, std::max(rows_per_step, plan.pooler ? batch.sequences : 0));
    reserve_outputs(encoder, batch, plan);
    reserve_attention(encoder, batch, threads);
}

void Workspace::reserve_step(const Encoder& encoder) {
    const Shape& shape = encoder.shape;
    const std::size_t rows = rows_per_step;
    for (auto* buffer : {&normalized, &attended}) buffer->resize(rows * row_stride(shape.width));
    inner.resize(rows * row_stride(shape.inner));
    const auto gated = [](const Block& block) { return block.gate.out > 0; };
    if (std::any_of(encoder.blocks.begin(), encoder.blocks.end(), gated)) gate.resize(inner.size());
    if (encoder.embeddings.projection.out)
        embedded.resize(rows * row_stride(encoder.embeddings.width));
}

void Workspace::reserve_converted(const Encoder& encoder, std::size_t rows) {
    std::size_t bytes = 0;
    const auto include = [&](const Matrix& m) {
        if (m.format == Format::f32) return;
        bytes = std::max(bytes, converted_bytes(m));
    };
    include(encoder.embeddings.projection);
    include(encoder.pooler);
    for (const Block& b : encoder.blocks)
        for (const Matrix* m : {&b.query, &b.attention_output, &b.intermediate, &b.output})
            include(*m);
    converted.resize(rows * bytes);
    scales.resize(rows);
}

void Workspace::reserve_outputs(const Encoder& encoder, const Batch& batch,
                                const OutputPlan& plan) {
    const std::size_t stride = row_stride(encoder.shape.width);
    sums.resize(std::max(sums.size(), plan.maxima.size()));
    for (std::size_t i = 0; i < plan.maxima.size(); ++i)
        if (plan.maxima[i].sums_layers()) sums[i].resize(batch.tokens() * stride);
    if (plan.pooler) pooler.resize(2 * batch.sequences * stride);
    row_offsets.assign(batch.offsets, batch.offsets + batch.sequences + 1);
    if (plan.rows == nullptr) return;
    query_positions.resize(plan.row_count);
    token_positions.resize(plan.row_count);
}

void Workspace::reserve_attention(const Encoder& encoder, const Batch& batch, int threads) {
    int longest = 0;
    for (int s = 0; s < batch.sequences; ++s)
        longest = std::max(longest, batch.offsets[s + 1] - batch.offsets[s]);
    const std::size_t floats =
        encoder.kernels.attention_scratch(longest, encoder.shape.head_width, encoder.relative_rows);
    attention_scratch.resize(std::max<std::size_t>(attention_scratch.size(), threads));
    for (int t = 0; t < threads; ++t) attention_scratch[t].resize(floats);
}

}  // namespace poolwise
