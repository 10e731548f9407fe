// softmax(q k' / sqrt(width) + bias) v of one head of one sequence. The keys outside the windows of
// a block of queries are not computed; a row's bits are those of a product over all keys.
#pragma once

#include <algorithm>
#include <cmath>

#include "attention_relative.h"

namespace {

using poolwise::AttentionHead;

template <class S>
constexpr int panel_width = S::width * S::tile_vectors;

// Queries that go through the products together: whole tiles.
template <class S>
constexpr int query_block = 36 / S::tile_rows * S::tile_rows;

// Columns in whole vectors.
template <class S>
constexpr int padded(int n) {
    return (n + S::width - 1) / S::width * S::width;
}

template <class S>
std::size_t attention_scratch(int tokens, int width, int relative_rows) {
    const std::size_t keys = padded<S>(tokens), value_columns = padded<S>(width);
    return keys * width + value_columns * tokens + query_block<S> * (keys + value_columns) +
           relative_scratch<S>(relative_rows, query_block<S>);
}

// Copies a vector of the components from `i` on of the keys from `t` on, one vector a component.
template <class S>
void pack_keys(const AttentionHead& a, int t, int i, float* out, std::size_t stride) {
    const int keys = std::min(S::width, a.tokens - t), components = std::min(S::width, a.width - i);
    const float* k = a.k + t * a.kv_stride + i;
    if constexpr (requires(typename S::F v[S::width]) { S::transpose(v); })
        if (components == S::width) {
            typename S::F v[S::width];
#pragma GCC unroll 16
            for (int r = 0; r < S::width; ++r)
                v[r] = r < keys ? S::load(k + r * a.kv_stride) : S::zero();
            S::transpose(v);
#pragma GCC unroll 16
            for (int r = 0; r < S::width; ++r) S::store(out + r * stride, v[r]);
            return;
        }
    for (int c = 0; c < components; ++c)
        for (int r = 0; r < S::width; ++r)
            out[c * stride + r] = r < keys ? k[r * a.kv_stride + c] : 0.0f;
}

// The values' columns from `c` on as the weights of a product with `Vectors` vectors a step.
template <class S, int Vectors>
void pack_values(const AttentionHead& a, int c, float* out) {
    const int count = std::min(Vectors * S::width, a.width - c);
    const float* v = a.v + c;
    for (int t = 0; t < a.tokens; ++t, v += a.kv_stride, out += Vectors * S::width) {
        if (count == Vectors * S::width) {
#pragma GCC unroll 4
            for (int i = 0; i < Vectors; ++i)
                S::store(out + i * S::width, S::load(v + i * S::width));
        } else {
            std::copy(v, v + count, out);
            std::fill(out + count, out + Vectors * S::width, 0.0f);
        }
    }
}

// Calls work(first column, vectors) for panels of equal widths, which hold the values' columns.
template <class S, class Work>
[[gnu::always_inline]] inline void for_value_panels(int width, const Work& work) {
    const int vectors = padded<S>(width) / S::width;
    const int panels = (vectors + S::tile_vectors - 1) / S::tile_vectors;
    for (int p = 0; p < panels; ++p) {
        const int column = vectors * p / panels * S::width;
        const int end = vectors * (p + 1) / panels * S::width;
        with_vector_count<S>(end - column, [&](auto count) { work(column, count); });
    }
}

// Packs the keys as the panels of weights of the product q k', the last of them as narrow as its
// vectors, and the values as those of p v.
template <class S>
void pack_head(const AttentionHead& a, float* keys, float* values) {
    constexpr int panel = panel_width<S>;
    for (int t = 0; t < a.tokens; t += S::width) {
        const int column = t / panel * panel;
        const std::size_t stride = std::min(panel, padded<S>(a.tokens) - column);
        float* out = keys + static_cast<std::size_t>(column) * a.width + (t - column);
        for (int i = 0; i < a.width; i += S::width) pack_keys<S>(a, t, i, out + i * stride, stride);
    }
    for_value_panels<S>(a.width, [&](int column, auto vectors) {
        pack_values<S, vectors>(a, column, values + static_cast<std::size_t>(column) * a.tokens);
    });
}

inline KeyRange visible_keys(const AttentionHead& a, int position) {
    return {std::max(position - a.window, 0), std::min(position + a.window + 1, a.tokens)};
}

// Replaces a row of scores by e^(scale (score - the largest)) of the visible keys and zero for the
// other `keys`; returns the inverse of their sum. The row is padded to whole vectors, whose places
// depend on the keys alone: so do the sum's bits.
template <class S>
float exponentials(float* row, KeyRange keys, KeyRange visible, float scale) {
    const auto [begin, end] = visible;
    const int vector_begin = begin / S::width * S::width;
    // Any visible score stands for the others of the first and the last vector.
    std::fill(row + vector_begin, row + begin, row[begin]);
    std::fill(row + end, row + padded<S>(end), row[begin]);
    auto maxima = S::load(row + vector_begin);
    for (int j = vector_begin + S::width; j < end; j += S::width)
        maxima = S::max(maxima, S::load(row + j));
    scale *= 1.44269504088896341f;  // of a power of two
    const auto factor = S::splat(scale), shift = S::splat(-scale * max_of<S>(maxima));
    auto sum = S::zero();
    for (int j = vector_begin; j < end; j += S::width) {
        const auto exponent = S::fma(S::load(row + j), factor, shift);
        auto e = bounded_power_of_two<S>(S::max(exponent, S::splat(-126.0f)));
        if (end - j < S::width) e = S::mask_tail(e, end - j);
        if (j < begin) e = S::sub(e, S::mask_tail(e, begin - j));
        S::store(row + j, e);
        sum = S::add(sum, e);
    }
    std::fill(row + keys.begin, row + vector_begin, 0.0f);
    if (padded<S>(end) < keys.end) std::fill(row + padded<S>(end), row + keys.end, 0.0f);
    return 1.0f / sum_of<S>(sum);
}

// out = row * factor
template <class S>
void multiply_row(const float* row, float factor, int width, float* out) {
    const int vector_end = width / S::width * S::width;
    const auto f = S::splat(factor);
    for (int i = 0; i < vector_end; i += S::width) S::store(out + i, S::mul(S::load(row + i), f));
    for (int i = vector_end; i < width; ++i) out[i] = row[i] * factor;
}

template <class S>
void attend(const AttentionHead& a) {
    constexpr int panel = panel_width<S>, block = query_block<S>;
    const std::size_t key_columns = padded<S>(a.tokens), value_columns = padded<S>(a.width);
    float* keys = a.scratch;
    float* values = keys + key_columns * a.width;
    float* scores = values + value_columns * a.tokens;
    float* context = scores + block * key_columns;
    float* products = context + block * value_columns;
    pack_head<S>(a, keys, values);
    for (int q = 0; q < a.queries; q += block) {
        const int count = std::min(block, a.queries - q);
        // From a whole vector on, for the exponentials.
        const KeyRange range{visible_keys(a, query_position(a, q)).begin / S::width * S::width,
                             visible_keys(a, query_position(a, q + count - 1)).end};
        for (int p = range.begin / panel * panel; p < range.end; p += panel)
            with_vector_count<S>(a.tokens - p, [&](auto vectors) {
                multiply_panel<S, vectors>(count,
                                           {.x = a.q + q * a.q_stride,
                                            .x_stride = a.q_stride,
                                            .weights = keys + static_cast<std::size_t>(p) * a.width,
                                            .weights_stride = vectors * S::width,
                                            .steps = a.width},
                                           PlainOutput{scores + p, key_columns});
            });
        if (a.relative != nullptr)
            add_relative_terms<S>(a, q, count, range, keys, scores, key_columns, products);
        float inverse[block];
        for (int r = 0; r < count; ++r) {
            const int position = query_position(a, q + r);
            const KeyRange visible = visible_keys(a, position);
            float* row = scores + r * key_columns;
            float scale = a.scale;
            if (a.relative_bias != nullptr) {
                for (int j = visible.begin; j < visible.end; ++j)
                    row[j] = row[j] * scale + a.relative_bias[j - position];
                scale = 1;
            }
            inverse[r] = exponentials<S>(row, range, visible, scale);
        }
        for_value_panels<S>(a.width, [&](int column, auto vectors) {
            multiply_panel<S, vectors>(
                count,
                {.x = scores,
                 .x_stride = key_columns,
                 .weights = values + static_cast<std::size_t>(column) * a.tokens,
                 .weights_stride = vectors * S::width,
                 .steps = range.end,
                 .first = range.begin},
                PlainOutput{context + column, value_columns});
        });
        for (int r = 0; r < count; ++r)
            multiply_row<S>(context + r * value_columns, inverse[r], a.width,
                            a.out + (q + r) * a.out_stride);
    }
}

}  // namespace
