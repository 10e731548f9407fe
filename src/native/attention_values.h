// The values of attention in integers: int16, with a scale for each column and group of keys.
#pragma once

#include "attention.h"

namespace {

// Keys whose products with weights are summed in int32.
constexpr int value_group = 128;

// Of the values of a group's column, whose sum with weights of 2^15 stays below 2^31: 2^16, less
// half a unit of rounding each.
constexpr float value_sum_limit = 65536 - value_group / 2;

// Up to a vector of floats, zeros behind them; reads no others.
template <class S>
typename S::F load_only(const float* p, int count) {
    if (count >= S::width) return S::load(p);
    float lanes[S::width] = {};
    std::copy_n(p, std::max(count, 0), lanes);
    return S::load(lanes);
}

// The scale of a group of one vector of the values' columns.
template <class S>
typename S::F value_scale(const float* v, std::size_t stride, int keys, int columns) {
    auto sum = S::zero(), largest = S::zero();
    for (int t = 0; t < keys; ++t) {
        const auto magnitude = S::abs(load_only<S>(v + t * stride, columns));
        sum = S::add(sum, magnitude);
        largest = S::max(largest, magnitude);
    }
    return S::max(S::mul(sum, S::splat(1 / value_sum_limit)),
                  S::mul(largest, S::splat(1.0f / poolwise::int16_limit)));
}

// The values' columns from `c` on, `Vectors` vectors of them, two keys side by side.
template <class S, int Vectors>
void pack_integer_values(const AttentionHead& a, int c, unsigned char* out, float* scales) {
    for (int begin = 0; begin < a.tokens; begin += value_group, scales += padded<S>(a.width)) {
        const int end = std::min(begin + value_group, a.tokens);
        for (int i = 0; i < Vectors; ++i) {
            const int columns = a.width - c - i * S::width;
            const float* v = a.v + begin * a.kv_stride + c + i * S::width;
            const auto scale = value_scale<S>(v, a.kv_stride, end - begin, columns);
            S::store(scales + i * S::width, scale);
            const auto inverse = S::div(S::splat(1.0f), S::max(scale, S::splat(1e-36f)));
            unsigned char* pair = out + (begin / 2 * Vectors + i) * S::width * 4;
            for (int t = begin; t < end;
                 t += 2, v += 2 * a.kv_stride, pair += Vectors * S::width * 4) {
                const auto second =
                    t + 1 < end ? load_only<S>(v + a.kv_stride, columns) : S::zero();
                S::store_int(pair, S::word_pairs(S::mul(load_only<S>(v, columns), inverse),
                                                 S::mul(second, inverse)));
            }
        }
    }
}

}  // namespace
