// Queries and keys of attention as integers, with one scale a row: int16 for near, bytes for fast.
#pragma once

#include "attention_values.h"
#include "gemm_integer.h"

namespace {

template <bool Int8>
constexpr int key_steps(int width) {
    return Int8 ? (width + 3) / 4 : (width + 1) / 2;
}

// An int32 of four inputs of zero.
template <class S>
constexpr int32_t zero_bytes = byte_zero<S> * 0x01010101u;

// The components [i, i + width) of the keys [t, t + width) less `mean`, a vector each.
template <class S>
void transposed_keys(const AttentionHead& a, int t, int i, const float* mean, float* out) {
    const int keys = std::min(S::width, a.tokens - t);
    const float* k = a.k + t * a.kv_stride + i;
    if constexpr (requires(typename S::F v[S::width]) { S::transpose(v); }) {
        typename S::F v[S::width];
        const auto subtrahend = S::load(mean + i);
#pragma GCC unroll 16
        for (int r = 0; r < S::width; ++r)
            v[r] = r < keys ? S::sub(load_only<S>(k + r * a.kv_stride, a.width - i), subtrahend)
                            : S::zero();
        S::transpose(v);
#pragma GCC unroll 16
        for (int r = 0; r < S::width; ++r) S::store(out + r * S::width, v[r]);
    } else {
        for (int c = 0; c < S::width; ++c)
            for (int r = 0; r < S::width; ++r)
                out[c * S::width + r] =
                    r < keys && i + c < a.width ? k[r * a.kv_stride + c] - mean[i + c] : 0.0f;
    }
}

// The norm of a row of int16 to be: no component is above it, and a product of rows is at most that
// of their norms, 2^30 (Cauchy and Schwarz). Where squares leave a float's range, it is that of
// equal components.
inline float norm_of(float square, float largest, int width) {
    const bool outside = !(square > 1e-30f && square < 1e38f);
    return outside ? largest * __builtin_sqrtf(static_cast<float>(width)) : __builtin_sqrtf(square);
}

// Scales of keys from their components, and the inverses.
template <class S, bool Int8>
typename S::F key_scales(const float* components, int width, float* scales) {
    auto largest = S::zero(), square = S::zero();
    for (int c = 0; c < width; ++c) {
        const auto v = S::load(components + c * S::width);
        largest = S::max(S::abs(v), largest);
        square = S::fma(v, v, square);
    }
    float squares[S::width], inverses[S::width];
    S::store(scales, largest);
    S::store(squares, square);
    for (int r = 0; r < S::width; ++r) {
        scales[r] = Int8 ? scales[r] / poolwise::int8_limit
                         : norm_of(squares[r], scales[r], width) / poolwise::int16_limit;
        inverses[r] = inverse_of(scales[r]);
    }
    return S::load(inverses);
}

// The same for all keys, it changes no softmax: without it bytes are finer. Padded with zeros.
template <class S>
void mean_key(const AttentionHead& a, float* mean) {
    const auto count = S::splat(static_cast<float>(a.tokens));
    for (int i = 0; i < a.width; i += S::width) {
        auto sum = S::zero();
        for (int t = 0; t < a.tokens; ++t)
            sum = S::add(sum, load_only<S>(a.k + t * a.kv_stride + i, a.width - i));
        S::store(mean + i, S::div(sum, count));
    }
}

// Packs the keys in the panels of pack_head, two or four components of a key side by side. `sums`
// are what inputs of zero add to the products of bytes.
template <class S, bool Int8>
void pack_integer_keys(const AttentionHead& a, unsigned char* keys, float* scales, int32_t* sums) {
    constexpr int panel = panel_width<S>, inputs = Int8 ? 4 : 2;
    const int steps = key_steps<Int8>(a.width);
    float components[poolwise::integer_group * S::width], mean[poolwise::integer_group] = {};
    if constexpr (Int8) mean_key<S>(a, mean);
    for (int t = 0; t < a.tokens; t += S::width) {
        for (int i = 0; i < a.width; i += S::width)
            transposed_keys<S>(a, t, i, mean, components + i * S::width);
        const auto inverse = key_scales<S, Int8>(components, a.width, scales + t);
        const auto quotient = [&](int c) __attribute__((always_inline)) {
            return S::mul(S::load(components + c * S::width), inverse);
        };
        const int column = t / panel * panel;
        const std::size_t stride = std::min(panel, padded<S>(a.tokens) - column);
        unsigned char* out = keys + (static_cast<std::size_t>(column) * steps + (t - column)) * 4;
        auto sum = S::zero_int();
        for (int c = 0; c < steps * inputs; c += inputs, out += stride * 4) {
            if constexpr (Int8) {
                const auto bytes =
                    S::byte_fours(quotient(c), quotient(c + 1), quotient(c + 2), quotient(c + 3));
                S::store_int(out, bytes);
                sum = S::dot8(sum, S::broadcast_int(&zero_bytes<S>), bytes);
            } else {
                S::store_int(out, S::word_pairs(quotient(c), quotient(c + 1)));
            }
        }
        S::store_int(sums + t, S::sub_int(S::zero_int(), sum));
    }
}

// Writes a query's integers, padded to whole vectors; returns its scale.
template <class S, bool Int8>
float quantize_query(const float* q, int width, unsigned char* out) {
    auto largest = S::zero(), square = S::zero();
    for (int i = 0; i < width; i += S::width) {
        const auto v = load_only<S>(q + i, width - i);
        largest = S::max(S::abs(v), largest);
        square = S::fma(v, v, square);
    }
    const float scale =
        Int8 ? max_of<S>(largest) / poolwise::int8_limit
             : norm_of(sum_of<S>(square), max_of<S>(largest), width) / poolwise::int16_limit;
    const auto inverse = S::splat(inverse_of(scale));
    for (int i = 0; i < width; i += S::width) {
        const auto v = S::mul(load_only<S>(q + i, width - i), inverse);
        if constexpr (Int8)
            S::store_byte(out + i, S::add(v, S::splat(byte_zero<S>)));
        else
            S::store_int16(out + i * 2, v);
    }
    return scale;
}

}  // namespace
