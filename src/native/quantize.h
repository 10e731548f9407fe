// Rows of floats to integers, with one scale a row.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "elementwise.h"

namespace {

using poolwise::Excess;
using poolwise::Matrix;

template <class S>
constexpr bool has_int16 = requires(typename S::I v) { S::dot16(v, v, v); };

// What the byte of an input of zero is: 128, for unsigned bytes, whose surplus the initial value of
// the sums takes off, or 0.
template <class S>
constexpr int byte_zero = [] {
    if constexpr (requires { S::byte_zero; }) return S::byte_zero;
    return 128;
}();

// The first `count` lanes of the vector at p, at most all of them; zeros behind them.
template <class S>
typename S::F load_first(const float* p, int count) {
    return count >= S::width ? S::load(p) : S::mask_tail(S::load(p), count);
}

template <class S>
float largest_magnitude(const float* x, int count) {
    auto maxima = S::zero();
    for (int i = 0; i < count; i += S::width)
        maxima = S::max(maxima, S::abs(load_first<S>(x + i, count - i)));
    return max_of<S>(maxima);
}

template <class S>
float sum_of_squares(const float* x, int count) {
    auto sum = S::zero();
    for (int i = 0; i < count; i += S::width) {
        const auto v = load_first<S>(x + i, count - i);
        sum = S::fma(v, v, sum);
    }
    return sum_of<S>(sum);
}

inline float inverse_of(float scale) { return scale > poolwise::least_scale ? 1 / scale : 0.0f; }

// Returns the scale: as fine as the sums over a group allow, whose products are bounded by
// the norms (see int16_norm).
template <class S>
float quantize_words(const float* x, int count, int group, int16_t* out) {
    float square = 0;  // the largest, or NaN
    for (int i = 0; i < count; i += group) {
        const float sum = sum_of_squares<S>(x + i, std::min(group, count - i));
        if (sum > square || sum != sum) square = sum;
    }
    const float largest = largest_magnitude<S>(x, count);
    // Where squares leave a float's range, no group is longer than one of equal components.
    const bool outside = square < 1e-30f || square > 1e38f;
    const float norm =
        outside ? largest * __builtin_sqrtf(static_cast<float>(group)) : __builtin_sqrtf(square);
    const float scale = std::max(norm / poolwise::int16_norm, largest / poolwise::int16_limit);
    const auto inverse = S::splat(inverse_of(scale));
    for (int i = 0; i < count; i += S::width)
        S::store_int16(out + i, S::mul(load_first<S>(x + i, count - i), inverse));
    return scale;
}

// Adds what a byte cannot hold of `value`, the quotient of input `index`. False if there is no
// room.
template <class S>
bool add_excess(Excess& excess, int index, float value) {
    constexpr int most = byte_zero<S> ? 255 : 127;
    int rest = static_cast<int>(__builtin_fabsf(value) + 0.5f) - poolwise::int8_limit;
    for (; rest > 0; rest -= most) {
        if (excess.count == Excess::capacity) return false;
        const Excess::Part part{index / 4, static_cast<uint32_t>(std::min(rest, most))
                                               << index % 4 * 8};
        Excess::Part& last = excess.parts[excess.count++];
        last = part;
        if (value < 0) std::swap(last, excess.parts[excess.negative++]);
    }
    return true;
}

// Writes the quotients by `scale`, clipped, and the excess of those that were. False if there is no
// room for it.
template <class S>
bool quantize_bytes(const float* x, int count, float scale, unsigned char* out, Excess& excess) {
    constexpr float limit = poolwise::int8_limit;
    const auto inverse = S::splat(inverse_of(scale));
    excess.count = excess.negative = 0;
    for (int i = 0; i < count; i += S::width) {
        const auto v = S::mul(load_first<S>(x + i, count - i), inverse);
        for (uint32_t lanes = S::above(S::abs(v), limit + 0.5f); lanes; lanes &= lanes - 1) {
            const int lane = std::countr_zero(lanes);
            if (!add_excess<S>(excess, i + lane, x[i + lane] * inverse_of(scale))) return false;
        }
        const auto clipped = S::max(S::min(v, S::splat(limit)), S::splat(-limit));
        S::store_byte(out + i, S::add(clipped, S::splat(byte_zero<S>)));
    }
    return true;
}

// A hidden state has a few huge components, which would leave few of a byte's values to the others:
// the scale follows the root mean square, and what a byte cannot hold is the row's excess. Returns
// the scale.
template <class S>
float quantize_bytes(const float* x, int count, unsigned char* out, Excess& excess) {
    constexpr float deviations = 5;
    const float largest = largest_magnitude<S>(x, count);
    const float deviation =
        __builtin_sqrtf(sum_of_squares<S>(x, count) / static_cast<float>(count));
    float limit = std::min(std::max(deviations * deviation, largest / 256), largest);
    while (!quantize_bytes<S>(x, count, limit / poolwise::int8_limit, out, excess))
        limit = std::min(1.5f * limit, largest);
    return limit / poolwise::int8_limit;
}

template <class S>
void convert_integer(const Matrix& m, const float* rows, std::size_t row_stride, int count,
                     void* out, std::size_t stride, float* scales) {
    for (int r = 0; r < count; ++r) {
        const float* x = rows + r * row_stride;
        auto* bytes = static_cast<unsigned char*>(out) + r * stride;
        if (is_int8(m.format))
            scales[r] = quantize_bytes<S>(x, m.in, bytes, *poolwise::excess_of(bytes, stride));
        else if constexpr (has_int16<S>)
            scales[r] = quantize_words<S>(x, m.in, m.group, reinterpret_cast<int16_t*>(bytes));
    }
}

}  // namespace
