// softmax(q k' / sqrt(width) + bias) v of one head of one sequence.
#pragma once

#include <algorithm>
#include <cmath>

#include "gemm_float.h"

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
std::size_t attention_scratch(int tokens, int width) {
    const std::size_t keys = padded<S>(tokens), value_columns = padded<S>(width);
    return keys * width + value_columns * tokens + query_block * (keys + value_columns);
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

// The softmax of the first `tokens` of a row, in place; the row is padded to whole vectors.
template <class S>
void softmax(float* row, int tokens, float scale, const float* bias) {
    const int vector_end = tokens / S::width * S::width;
    if (bias != nullptr)
        for (int j = 0; j < tokens; ++j) row[j] = row[j] * scale + bias[j];
    else
        for (int j = 0; j < tokens; ++j) row[j] *= scale;
    float largest = row[0];
    if (vector_end) {
        auto maxima = S::load(row);
        for (int j = S::width; j < vector_end; j += S::width)
            maxima = S::max(maxima, S::load(row + j));
        largest = max_of<S>(maxima);
    }
    for (int j = vector_end; j < tokens; ++j) largest = std::max(largest, row[j]);
    auto sum = S::zero();
    const auto shift = S::splat(largest);
    for (int j = 0; j < tokens; j += S::width) {
        auto e = exponential<S>(S::sub(S::load(row + j), shift));
        if (j == vector_end) e = S::mask_tail(e, tokens - vector_end);
        S::store(row + j, e);
        sum = S::add(sum, e);
    }
    const auto inverse = S::splat(1.0f / sum_of<S>(sum));
    for (int j = 0; j < tokens; j += S::width) S::store(row + j, S::mul(S::load(row + j), inverse));
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
    for (int q = 0; q < a.queries; q += query_block) {
        const int count = std::min(query_block, a.queries - q);
        for (std::size_t p = 0; p < key_columns; p += panel)
            multiply_panel<S>(count,
                              {.x = a.q + q * a.q_stride,
                               .x_stride = a.q_stride,
                               .weights = keys + p * a.width,
                               .weights_stride = panel,
                               .steps = a.width},
                              {.out = scores + p, .stride = key_columns});
        for (int r = 0; r < count; ++r) {
            const int position = a.query_positions != nullptr ? a.query_positions[q + r] : q + r;
            softmax<S>(scores + r * key_columns, a.tokens, a.scale,
                       a.relative_bias != nullptr ? a.relative_bias - position : nullptr);
        }
        for (std::size_t p = 0; p < value_columns; p += panel)
            multiply_panel<S>(count,
                              {.x = scores,
                               .x_stride = key_columns,
                               .weights = values + p * a.tokens,
                               .weights_stride = panel,
                               .steps = a.tokens},
                              {.out = context + p, .stride = value_columns});
        for (int r = 0; r < count; ++r) {
            const float* row = context + r * value_columns;
            std::copy(row, row + a.width, a.out + (q + r) * a.out_stride);
        }
    }
}

}  // namespace
