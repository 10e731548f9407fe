#include "workspace.h"

#include <algorithm>

namespace poolwise {

void Workspace::reserve(const Encoder& encoder, const Batch& batch, const OutputPlan& plan,
                        int threads) {
    const std::size_t tokens = batch.tokens(), stride = row_stride(encoder.shape.width);
    for (auto* buffer : {&hidden, &next, &query, &context}) buffer->resize(tokens * stride);
    key_value.resize(tokens * row_stride(2 * encoder.shape.width));
    inner.resize(tokens * row_stride(encoder.shape.inner));
    if (encoder.embeddings.projection.out)
        embedded.resize(tokens * row_stride(encoder.embeddings.width));
    reserve_converted(encoder, tokens);
    sums.resize(std::max(sums.size(), plan.maxima.size()));
    for (std::size_t i = 0; i < plan.maxima.size(); ++i)
        if (plan.maxima[i].sums_layers()) sums[i].resize(tokens * stride);
    if (plan.pooler) pooler.resize(2 * batch.sequences * stride);
    row_offsets.assign(batch.offsets, batch.offsets + batch.sequences + 1);
    if (plan.rows != nullptr) query_positions.resize(plan.row_count);
    int longest = 0;
    for (int s = 0; s < batch.sequences; ++s)
        longest = std::max(longest, batch.offsets[s + 1] - batch.offsets[s]);
    const std::size_t floats =
        encoder.kernels.attention_scratch(longest, encoder.shape.width / encoder.shape.heads, 0);
    attention_scratch.resize(std::max<std::size_t>(attention_scratch.size(), threads));
    for (int t = 0; t < threads; ++t) attention_scratch[t].resize(floats);
}

void Workspace::reserve_converted(const Encoder& encoder, std::size_t tokens) {
    std::size_t bytes = 0, groups = 0;
    const auto include = [&](const Matrix& m) {
        if (m.format == Format::f32) return;
        bytes = std::max(bytes, converted_bytes(m));
        groups = std::max(groups, static_cast<std::size_t>(m.groups));
    };
    include(encoder.embeddings.projection);
    include(encoder.pooler);
    for (const Block& b : encoder.blocks)
        for (const Matrix* m : {&b.query, &b.attention_output, &b.intermediate, &b.output})
            include(*m);
    converted.resize(tokens * bytes);
    scales.resize(tokens * groups);
}

}  // namespace poolwise
