// softmax(q k' / sqrt(width) + bias) v of one head of one sequence. The keys outside the windows of
// a block of queries are not computed; a row's bits are those of a product over all keys.
#pragma once

#include <algorithm>
#include <cmath>

#include "attention_relative.h"

namespace {

using poolwise::AttentionHead;

constexpr int query_block = 32;

template <class S>
constexpr int panel_width = S::width * S::tile_vectors;

template <class S>
constexpr int padded(int n) {
    return (n + panel_width<S> - 1) / panel_width<S> * panel_width<S>;
}

template <class S>
std::size_t attention_scratch(int tokens, int width, int relative_rows) {
    const std::size_t keys = padded<S>(tokens), value_columns = padded<S>(width);
    return keys * width + value_columns * tokens + query_block * (keys + value_columns) +
           relative_scratch<S>(relative_rows, query_block);
}

// Packs the keys as the panels of weights of the product q k', the values as those of p v.
template <class S>
void pack_head(const AttentionHead& a, float* keys, float* values) {
    constexpr int panel = panel_width<S>;
    for (int t = 0; t < padded<S>(a.tokens); ++t) {
        float* column = keys + t / panel * panel * a.width + t % panel;
        const float* key = a.k + t * a.kv_stride;
        if (t < a.tokens)
            for (int i = 0; i < a.width; ++i) column[i * panel] = key[i];
        else
            for (int i = 0; i < a.width; ++i) column[i * panel] = 0;
    }
    for (int c = 0; c < padded<S>(a.width); c += panel) {
        const int count = std::min(panel, a.width - c);
        for (int t = 0; t < a.tokens; ++t) {
            const float* value = a.v + t * a.kv_stride + c;
            std::copy(value, value + count, values);
            std::fill(values + count, values + panel, 0.0f);
            values += panel;
        }
    }
}

inline KeyRange visible_keys(const AttentionHead& a, int position) {
    return {std::max(position - a.window, 0), std::min(position + a.window + 1, a.tokens)};
}

// The softmax of a row of scores over the visible keys, in place; zero for the other `keys`. The
// row is padded to whole vectors, whose places depend on the keys alone: so do the sum's bits.
template <class S>
void softmax(float* row, KeyRange keys, KeyRange visible, float scale, const float* bias) {
    const auto [begin, end] = visible;
    const int vector_begin = begin / S::width * S::width;
    if (bias != nullptr)
        for (int j = begin; j < end; ++j) row[j] = row[j] * scale + bias[j];
    else
        for (int j = begin; j < end; ++j) row[j] *= scale;
    // Any visible score stands for the others of the first and the last vector.
    std::fill(row + keys.begin, row + begin, row[begin]);
    std::fill(row + end, row + (keys.end + S::width - 1) / S::width * S::width, row[begin]);
    auto maxima = S::load(row + vector_begin);
    for (int j = vector_begin; j < end; j += S::width) maxima = S::max(maxima, S::load(row + j));
    const auto shift = S::splat(max_of<S>(maxima));
    auto sum = S::zero();
    for (int j = vector_begin; j < end; j += S::width) {
        auto e = exponential<S>(S::sub(S::load(row + j), shift));
        if (end - j < S::width) e = S::mask_tail(e, end - j);
        if (j < begin) e = S::sub(e, S::mask_tail(e, begin - j));
        S::store(row + j, e);
        sum = S::add(sum, e);
    }
    const auto inverse = S::splat(1.0f / sum_of<S>(sum));
    for (int j = vector_begin; j < end; j += S::width)
        S::store(row + j, S::mul(S::load(row + j), inverse));
    std::fill(row + keys.begin, row + begin, 0.0f);
    std::fill(row + end, row + keys.end, 0.0f);
}

template <class S>
void attend(const AttentionHead& a) {
    constexpr int panel = panel_width<S>;
    const std::size_t key_columns = padded<S>(a.tokens), value_columns = padded<S>(a.width);
    float* keys = a.scratch;
    float* values = keys + key_columns * a.width;
    float* scores = values + value_columns * a.tokens;
    float* context = scores + query_block * key_columns;
    pack_head<S>(a, keys, values);
    float* products = context + query_block * value_columns;
    const auto position = [&](int query) { return query_position(a, query); };
    for (int q = 0; q < a.queries; q += query_block) {
        const int count = std::min(query_block, a.queries - q);
        // From a whole vector on, for the softmax.
        const KeyRange range{visible_keys(a, position(q)).begin / S::width * S::width,
                             visible_keys(a, position(q + count - 1)).end};
        for (int p = range.begin / panel * panel; p < range.end; p += panel)
            multiply_panel<S>(count,
                              {.x = a.q + q * a.q_stride,
                               .x_stride = a.q_stride,
                               .weights = keys + static_cast<std::size_t>(p) * a.width,
                               .weights_stride = panel,
                               .steps = a.width},
                              {.out = scores + p, .stride = key_columns});
        if (a.relative != nullptr)
            add_relative_terms<S>(a, q, count, range, keys, scores, key_columns, products);
        for (int r = 0; r < count; ++r) {
            const int p = position(q + r);
            softmax<S>(scores + r * key_columns, range, visible_keys(a, p), a.scale,
                       a.relative_bias != nullptr ? a.relative_bias - p : nullptr);
        }
        for (std::size_t p = 0; p < value_columns; p += panel)
            multiply_panel<S>(count,
                              {.x = scores,
                               .x_stride = key_columns,
                               .weights = values + p * a.tokens,
                               .weights_stride = panel,
                               .steps = range.end,
                               .first = range.begin},
                              {.out = context + p, .stride = value_columns});
        for (int r = 0; r < count; ++r) {
            const float* row = context + r * value_columns;
            std::copy(row, row + a.width, a.out + (q + r) * a.out_stride);
        }
    }
}

}  // namespace
