// exp, erf, the activations and layer norm, in vectors.
#pragma once

#include <cstddef>

#include "kernels.h"

namespace {

using poolwise::Activation;

// p 2^n for integers n in [-126, 127].
template <class S>
typename S::F scaled(typename S::F p, typename S::F n) {
    if constexpr (requires { S::scale(p, n); })
        return S::scale(p, n);
    else
        return S::mul(p, S::power_of_two(n));
}

// 2^x for x in [-126, 127]: a polynomial on [-1/2, 1/2], exact at 0; its relative error in float32
// is at most 1.7e-7.
template <class S>
typename S::F bounded_power_of_two(typename S::F x) {
    const auto n = S::round(x), r = S::sub(x, n);
    auto p = S::splat(1.326472731307149e-03f);
    p = S::fma(p, r, S::splat(9.671512991189957e-03f));
    p = S::fma(p, r, S::splat(5.550733581185341e-02f));
    p = S::fma(p, r, S::splat(2.402224242687225e-01f));
    p = S::fma(p, r, S::splat(6.931470036506653e-01f));
    p = S::fma(p, r, S::splat(1.0f));
    return scaled<S>(p, n);
}

// e^x for x in [-87, 88]: Cody and Waite's reduction to [-ln 2 / 2, ln 2 / 2], where the
// polynomial has a relative error of 7.5e-8.
template <class S>
typename S::F bounded_exponential(typename S::F x) {
    const auto n = S::round(S::mul(x, S::splat(1.44269504088896341f)));
    auto r = S::fma(n, S::splat(-0.693359375f), x);
    r = S::fma(n, S::splat(2.12194440054690583e-4f), r);
    auto p = S::splat(8.297635242342949e-03f);
    p = S::fma(p, r, S::splat(4.191537946462631e-02f));
    p = S::fma(p, r, S::splat(1.6667574644088745e-01f));
    p = S::fma(p, r, S::splat(4.9998894333839417e-01f));
    p = S::fma(p, r, S::splat(9.999997019767761e-01f));
    p = S::fma(p, r, S::splat(1.0000001192092896f));
    return scaled<S>(p, n);
}

// e^x, with x clamped to those bounds: the result lies between 1e-38 and 1.7e38.
template <class S>
typename S::F exponential(typename S::F x) {
    return bounded_exponential<S>(S::min(S::max(x, S::splat(-87.0f)), S::splat(88.0f)));
}

// GELU(x) = x/2 (1 + erf(x / sqrt 2)) = max(x, 0) - |x| 2^q(|x|), with q fitted to log2 of half
// erfc(x / sqrt 2) on [0, 5.7] by least squares, reweighted to minimise the largest error of the
// product. It has no branch for small x and no division; in float32 its error is at most 3e-7.
template <class S>
typename S::F gelu(typename S::F x) {
    const auto magnitude = S::abs(x);
    const auto t = S::min(magnitude, S::splat(5.7f));
    auto q = S::splat(-1.8034361658988815e-06f);
    q = S::fma(q, t, S::splat(2.6664089313715482e-05f));
    q = S::fma(q, t, S::splat(-1.2345723786764953e-04f));
    q = S::fma(q, t, S::splat(-2.9640737511746519e-04f));
    q = S::fma(q, t, S::splat(7.2875310413954989e-03f));
    q = S::fma(q, t, S::splat(-5.2669509469626438e-02f));
    q = S::fma(q, t, S::splat(-4.5913924529470096e-01f));
    q = S::fma(q, t, S::splat(-1.1511171164686900e+00f));
    q = S::fma(q, t, S::splat(-9.9999942123852248e-01f));
    const auto negative_part = S::mul(magnitude, bounded_power_of_two<S>(q));
    return S::sub(S::max(x, S::zero()), negative_part);
}

// tanh x = 1 - 2 / (e^2x + 1), with an absolute error of a float32 near 1, enough for the
// activation.
template <class S>
typename S::F tanh(typename S::F x) {
    const auto one = S::splat(1.0f);
    const auto e = exponential<S>(S::add(x, x));
    return S::sub(one, S::div(S::splat(2.0f), S::add(e, one)));
}

template <class S>
typename S::F gelu_tanh(typename S::F x) {
    const auto inner = S::mul(S::splat(0.79788456080286536f),
                              S::fma(S::mul(S::splat(0.044715f), S::mul(x, x)), x, x));
    const auto half = S::mul(x, S::splat(0.5f));
    return S::fma(half, tanh<S>(inner), half);
}

template <class S>
typename S::F relu(typename S::F x) {
    return S::max(S::zero(), x);
}

template <class S>
typename S::F silu(typename S::F x) {
    return S::div(x, S::add(S::splat(1.0f), exponential<S>(S::sub(S::zero(), x))));
}

template <class S, int Count, class Function>
[[gnu::always_inline]] inline void map(typename S::F* v, Function function) {
#pragma GCC unroll 64
    for (int i = 0; i < Count; ++i) v[i] = function(v[i]);
}

// Applies the activation in place to `Count` vectors, with one branch for all of them, so that
// their long dependency chains overlap. The loops are unrolled, or the tile's sums would not stay
// in registers.
template <class S, int Count>
[[gnu::always_inline]] inline void activate(typename S::F* v, Activation activation) {
    switch (activation) {
        case Activation::none: return;
        case Activation::gelu: return map<S, Count>(v, gelu<S>);
        case Activation::gelu_tanh: return map<S, Count>(v, gelu_tanh<S>);
        case Activation::relu: return map<S, Count>(v, relu<S>);
        case Activation::silu: return map<S, Count>(v, silu<S>);
    }
}

template <class S>
float sum_of(typename S::F v) {
    if constexpr (requires { S::sum(v); }) return S::sum(v);
    float lanes[S::width];
    S::store(lanes, v);
    float sum = 0;
    for (int i = 0; i < S::width; ++i) sum += lanes[i];
    return sum;
}

template <class S>
float max_of(typename S::F v) {
    if constexpr (requires { S::largest(v); }) return S::largest(v);
    float lanes[S::width];
    S::store(lanes, v);
    float largest = lanes[0];
    for (int i = 1; i < S::width; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
    return largest;
}

// Normalizes each row, as torch's LayerNorm: biased variance, epsilon under the root. Rows are
// padded to whole vectors, and the padding stays finite.
template <class S>
void layer_norm(const float* rows, float* out, std::size_t stride, int count, int width,
                const float* gain, const float* bias, float epsilon) {
    const int vector_end = width / S::width * S::width;
    const int tail = width - vector_end;
    for (int r = 0; r < count; ++r) {
        const float* x = rows + r * stride;
        float* y = out + r * stride;
        auto sum = S::zero();
        for (int i = 0; i < vector_end; i += S::width) sum = S::add(sum, S::load(x + i));
        if (tail) sum = S::add(sum, S::mask_tail(S::load(x + vector_end), tail));
        const auto mean = S::splat(sum_of<S>(sum) / static_cast<float>(width));
        auto square = S::zero();
        for (int i = 0; i < vector_end; i += S::width) {
            const auto d = S::sub(S::load(x + i), mean);
            square = S::fma(d, d, square);
        }
        if (tail) {
            const auto d = S::mask_tail(S::sub(S::load(x + vector_end), mean), tail);
            square = S::fma(d, d, square);
        }
        const float variance = sum_of<S>(square) / static_cast<float>(width);
        const auto scale = S::splat(1.0f / __builtin_sqrtf(variance + epsilon));
        for (int i = 0; i < width; i += S::width) {
            const auto d = S::mul(S::sub(S::load(x + i), mean), scale);
            S::store(y + i, S::fma(d, S::load(gain + i), S::load(bias + i)));
        }
    }
}

// x / sqrt(mean(x^2) + epsilon) * gain of each row (Zhang and Sennrich 2019), padded as above.
template <class S>
void rms_norm(const float* rows, float* out, std::size_t stride, int count, int width,
              const float* gain, float epsilon) {
    const int vector_end = width / S::width * S::width;
    const int tail = width - vector_end;
    for (int r = 0; r < count; ++r) {
        const float* x = rows + r * stride;
        float* y = out + r * stride;
        auto square = S::zero();
        for (int i = 0; i < vector_end; i += S::width) {
            const auto v = S::load(x + i);
            square = S::fma(v, v, square);
        }
        if (tail) {
            const auto v = S::mask_tail(S::load(x + vector_end), tail);
            square = S::fma(v, v, square);
        }
        const float mean = sum_of<S>(square) / static_cast<float>(width);
        const auto scale = S::splat(1.0f / __builtin_sqrtf(mean + epsilon));
        for (int i = 0; i < width; i += S::width)
            S::store(y + i, S::mul(S::mul(S::load(x + i), scale), S::load(gain + i)));
    }
}

// Rotates each pair (i, i + head_width / 2) of a head's components by the angle that `table`
// [positions][cos, sin][head_width / 2] has for the row's position (Su et al. 2021, section 3.4.2).
template <class S>
void rotate(float* rows, std::size_t stride, int count, const int* positions, const float* table,
            int heads, int head_width) {
    const int half = head_width / 2, vector_end = half / S::width * S::width;
    for (int r = 0; r < count; ++r) {
        const float* cos = table + static_cast<std::size_t>(positions[r]) * head_width;
        const float* sin = cos + half;
        for (int h = 0; h < heads; ++h) {
            float* x = rows + r * stride + h * head_width;
            float* y = x + half;
            for (int i = 0; i < vector_end; i += S::width) {
                const auto a = S::load(x + i), b = S::load(y + i);
                const auto c = S::load(cos + i), s = S::load(sin + i);
                S::store(x + i, S::sub(S::mul(a, c), S::mul(b, s)));
                S::store(y + i, S::fma(b, c, S::mul(a, s)));
            }
            for (int i = vector_end; i < half; ++i) {
                const float a = x[i], b = y[i];
                x[i] = a * cos[i] - b * sin[i];
                y[i] = b * cos[i] + a * sin[i];
            }
        }
    }
}

template <class S>
void accumulate(float* sum, const float* row, float weight, int width) {
    const auto w = S::splat(weight);
    for (int i = 0; i < width; i += S::width)
        S::store(sum + i, S::fma(w, S::load(row + i), S::load(sum + i)));
}

template <class S>
void maximum(float* maximum, const float* row, int width) {
    for (int i = 0; i < width; i += S::width)
        S::store(maximum + i, S::max(S::load(row + i), S::load(maximum + i)));
}

}  // namespace
