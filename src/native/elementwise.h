// exp, erf, the activations and layer norm, in vectors.
#pragma once

#include <cstddef>

#include "kernels.h"

namespace {

using poolwise::Activation;

// e^x for x in [-87, 88]: Cody and Waite's reduction to [-ln 2 / 2, ln 2 / 2], where our polynomial is off
// by 7.5e-8 of the value.
template <class S>
typename S::F bounded_exponential(typename S::F x) {
    const auto n = S::round(S::mul(x, S::all(1.44269504088896341f)));
    auto r = S::fma(n, S::all(-0.693359375f), x);
    r = S::fma(n, S::all(2.12194440054690583e-4f), r);
    auto p = S::all(8.297635242342949e-03f);
    p = S::fma(p, r, S::all(4.191537946462631e-02f));
    p = S::fma(p, r, S::all(1.6667574644088745e-01f));
    p = S::fma(p, r, S::all(4.9998894333839417e-01f));
    p = S::fma(p, r, S::all(9.999997019767761e-01f));
    p = S::fma(p, r, S::all(1.0000001192092896f));
    return S::mul(p, S::power_of_two(n));
}

// e^x; beyond those bounds the value at the bound, 1e-38 or 1.7e38.
template <class S>
typename S::F exponential(typename S::F x) {
    return bounded_exponential<S>(S::min(S::max(x, S::all(-87.0f)), S::all(88.0f)));
}

// GELU(x) = x/2 (1 + erf(x / sqrt 2)) = max(x, 0) - |x|/2 e^-Q(|x|), with Q fitted to -ln erfc(x / sqrt 2)
// on [0, 5.7] (our own least squares, reweighted towards the least largest error of the product). No
// branch for small x and no division; in float32 within 3e-7 everywhere.
template <class S>
typename S::F gelu(typename S::F x) {
    const auto size = S::absolute(x);
    const auto t = S::min(size, S::all(5.7f));
    auto q = S::all(1.2500466937126475e-06f);
    q = S::fma(q, t, S::all(-1.8482138330000453e-05f));
    q = S::fma(q, t, S::all(8.55740363476798e-05f));
    q = S::fma(q, t, S::all(2.0545393635984510e-04f));
    q = S::fma(q, t, S::all(-5.051331594586372e-03f));
    q = S::fma(q, t, S::all(3.6507721990346909e-02f));
    q = S::fma(q, t, S::all(3.182510733604431e-01f));
    q = S::fma(q, t, S::all(7.978935837745667e-01f));
    q = S::fma(q, t, S::all(-4.0116688637681364e-07f));
    const auto tail = S::mul(S::mul(size, S::all(0.5f)), bounded_exponential<S>(S::sub(S::zero(), q)));
    return S::sub(S::max(x, S::zero()), tail);
}

// tanh x = 1 - 2 / (e^2x + 1), as precise as 1 is; for the activation that is enough.
template <class S>
typename S::F tangent(typename S::F x) {
    const auto one = S::all(1.0f);
    const auto e = exponential<S>(S::add(x, x));
    return S::sub(one, S::div(S::all(2.0f), S::add(e, one)));
}

template <class S>
typename S::F gelu_tanh(typename S::F x) {
    const auto inner = S::mul(S::all(0.79788456080286536f),
                              S::fma(S::mul(S::all(0.044715f), S::mul(x, x)), x, x));
    const auto half = S::mul(x, S::all(0.5f));
    return S::fma(half, tangent<S>(inner), half);
}

template <class S>
typename S::F relu(typename S::F x) {
    return S::max(S::zero(), x);
}

template <class S>
typename S::F silu(typename S::F x) {
    return S::div(x, S::add(S::all(1.0f), exponential<S>(S::sub(S::zero(), x))));
}

template <class S, int Count, class Function>
[[gnu::always_inline]] inline void each(typename S::F* v, Function function) {
#pragma GCC unroll 64
    for (int i = 0; i < Count; ++i) v[i] = function(v[i]);
}

// In place over `Count` vectors: the choice once, so that their long chains run side by side. Every
// loop over them is unrolled: one that is not would keep a tile's sums out of the registers.
template <class S, int Count>
[[gnu::always_inline]] inline void activate(typename S::F* v, Activation kind) {
    switch (kind) {
        case Activation::none: return;
        case Activation::gelu: return each<S, Count>(v, gelu<S>);
        case Activation::gelu_tanh: return each<S, Count>(v, gelu_tanh<S>);
        case Activation::relu: return each<S, Count>(v, relu<S>);
        case Activation::silu: return each<S, Count>(v, silu<S>);
    }
}

template <class S>
float sum_of(typename S::F v) {
    float lane[S::width];
    S::store(lane, v);
    float sum = 0;
    for (int i = 0; i < S::width; ++i) sum += lane[i];
    return sum;
}

template <class S>
float max_of(typename S::F v) {
    float lane[S::width];
    S::store(lane, v);
    float top = lane[0];
    for (int i = 1; i < S::width; ++i) top = lane[i] > top ? lane[i] : top;
    return top;
}

// Each row over its `width`, as torch's LayerNorm: biased variance, epsilon under the root. Rows are
// padded to whole vectors and stay finite there.
template <class S>
void layer_norm(float* rows, std::size_t stride, int count, int width, const float* gain,
                const float* bias, float epsilon) {
    const int whole = width / S::width * S::width;
    const int rest = width - whole;
    for (int r = 0; r < count; ++r) {
        float* x = rows + r * stride;
        auto sum = S::zero();
        for (int i = 0; i < whole; i += S::width) sum = S::add(sum, S::load(x + i));
        if (rest) sum = S::add(sum, S::head(S::load(x + whole), rest));
        const auto mean = S::all(sum_of<S>(sum) / static_cast<float>(width));
        auto square = S::zero();
        for (int i = 0; i < whole; i += S::width) {
            const auto d = S::sub(S::load(x + i), mean);
            square = S::fma(d, d, square);
        }
        if (rest) {
            const auto d = S::head(S::sub(S::load(x + whole), mean), rest);
            square = S::fma(d, d, square);
        }
        const float variance = sum_of<S>(square) / static_cast<float>(width);
        const auto scale = S::all(1.0f / __builtin_sqrtf(variance + epsilon));
        for (int i = 0; i < width; i += S::width) {
            const auto d = S::mul(S::sub(S::load(x + i), mean), scale);
            S::store(x + i, S::fma(d, S::load(gain + i), S::load(bias + i)));
        }
    }
}

template <class S>
void accumulate(float* sum, const float* row, float weight, int width) {
    const auto w = S::all(weight);
    for (int i = 0; i < width; i += S::width)
        S::store(sum + i, S::fma(w, S::load(row + i), S::load(sum + i)));
}

template <class S>
void maximum(float* top, const float* row, int width) {
    for (int i = 0; i < width; i += S::width)
        S::store(top + i, S::max(S::load(row + i), S::load(top + i)));
}

}  // namespace
