// softmax(q k' / sqrt(width) + bias) v of one head of one sequence, its own tokens only.
#pragma once

#include <algorithm>
#include <cmath>

#include "gemm_float.h"

namespace {

using poolwise::Attention;

constexpr int query_block = 32;

template <class S>
constexpr int panel_width = S::width * S::tile_vectors;

template <class S>
constexpr int padded(int n) {
    return (n + panel_width<S> - 1) / panel_width<S> * panel_width<S>;
}

template <class S>
std::size_t attention_scratch(int tokens, int width) {
    const std::size_t keys = padded<S>(tokens), columns = padded<S>(width);
    return keys * width + columns * tokens + query_block * (keys + columns);
}

// Keys as panels of the "weights" of the product q k'; values as those of p v.
template <class S>
void pack_head(const Attention& a, float* keys, float* values) {
    constexpr int wide = panel_width<S>;
    for (int t = 0; t < padded<S>(a.tokens); ++t) {
        float* to = keys + t / wide * wide * a.width + t % wide;
        const float* from = a.k + t * a.kv_stride;
        if (t < a.tokens)
            for (int i = 0; i < a.width; ++i) to[i * wide] = from[i];
        else
            for (int i = 0; i < a.width; ++i) to[i * wide] = 0;
    }
    for (int c = 0; c < padded<S>(a.width); c += wide) {
        const int count = std::min(wide, a.width - c);
        for (int t = 0; t < a.tokens; ++t) {
            const float* from = a.v + t * a.kv_stride + c;
            std::copy(from, from + count, values);
            std::fill(values + count, values + wide, 0.0f);
            values += wide;
        }
    }
}

// In place over the first `tokens` of a row that is padded to whole vectors.
template <class S>
void softmax(float* row, int tokens, float scale, const float* bias) {
    const int whole = tokens / S::width * S::width;
    if (bias != nullptr)
        for (int j = 0; j < tokens; ++j) row[j] = row[j] * scale + bias[j];
    else
        for (int j = 0; j < tokens; ++j) row[j] *= scale;
    float top = row[0];
    if (whole) {
        auto tops = S::load(row);
        for (int j = S::width; j < whole; j += S::width) tops = S::max(tops, S::load(row + j));
        top = max_of<S>(tops);
    }
    for (int j = whole; j < tokens; ++j) top = std::max(top, row[j]);
    auto sum = S::zero();
    const auto shift = S::all(top);
    for (int j = 0; j < tokens; j += S::width) {
        auto e = exponential<S>(S::sub(S::load(row + j), shift));
        if (j == whole) e = S::head(e, tokens - whole);
        S::store(row + j, e);
        sum = S::add(sum, e);
    }
    const auto inverse = S::all(1.0f / sum_of<S>(sum));
    for (int j = 0; j < tokens; j += S::width) S::store(row + j, S::mul(S::load(row + j), inverse));
}

template <class S>
void attend(const Attention& a) {
    constexpr int wide = panel_width<S>;
    const std::size_t keys_wide = padded<S>(a.tokens), columns = padded<S>(a.width);
    float* keys = a.scratch;
    float* values = keys + keys_wide * a.width;
    float* scores = values + columns * a.tokens;
    float* mixed = scores + query_block * keys_wide;
    pack_head<S>(a, keys, values);
    const Epilogue none;
    for (int q = 0; q < a.queries; q += query_block) {
        const int count = std::min(query_block, a.queries - q);
        for (std::size_t p = 0; p < keys_wide; p += wide)
            float_panel<S>(count, a.q + q * a.q_stride, a.q_stride, keys + p * a.width, wide, a.width,
                           scores + p, keys_wide, nullptr, none);
        for (int r = 0; r < count; ++r) {
            const int position = a.positions != nullptr ? a.positions[q + r] : q + r;
            softmax<S>(scores + r * keys_wide, a.tokens, a.scale,
                       a.relative != nullptr ? a.relative - position : nullptr);
        }
        for (std::size_t p = 0; p < columns; p += wide)
            float_panel<S>(count, scores, keys_wide, values + p * a.tokens, wide, a.tokens, mixed + p,
                           columns, nullptr, none);
        for (int r = 0; r < count; ++r) {
            const float* from = mixed + r * columns;
            std::copy(from, from + a.width, a.out + (q + r) * a.out_stride);
        }
    }
}

}  // namespace
