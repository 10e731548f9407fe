// y = x W' in float32. Every element is the sum, in order, of chains of `along` fused multiply-adds,
// whatever tile it falls into: a row's result never depends on the rows beside it. Short chains also
// round less than one long one.
#pragma once

#include <algorithm>
#include <type_traits>

#include "elementwise.h"
#include "kernels.h"

namespace {

using poolwise::Epilogue;
using poolwise::Input;
using poolwise::Matrix;

constexpr int along = 256;  // inputs whose weights, one panel wide, stay in the first cache

// Calls work with the number of rows, 1 to Most, as a constant, so that a tile's sums have names.
template <int Most, class Work>
[[gnu::always_inline]] inline void with_rows(int rows, const Work& work) {
    if constexpr (Most > 0) {
        if (rows == Most)
            work(std::integral_constant<int, Most>());
        else
            with_rows<Most - 1>(rows, work);
    }
}

// Fetches the weights that come next while these are worked on, a few lines at a time: the cores read
// memory far slower than they multiply, and a burst of requests would make them wait as well.
struct Ahead {
    static constexpr int stride = 8;  // steps along the input between requests

    const unsigned char* at = nullptr;
    const unsigned char* end = nullptr;
    std::size_t share = 0;  // bytes a request

    Ahead() = default;
    Ahead(const unsigned char* next, std::size_t bytes, int tiles, int steps)
        : at(next), end(next + bytes) {
        const std::size_t requests = static_cast<std::size_t>(tiles) * ((steps + stride - 1) / stride);
        if (requests > 0) share = (bytes / requests + 63) / 64 * 64;  // a batch may need no row at all
    }

    void fetch() {
        const unsigned char* stop = at + share < end ? at + share : end;
        for (; at < stop; at += 64) __builtin_prefetch(at, 0, 2);
    }
};

// Stores a tile of sums, row by row, after the epilogue.
template <class S, int Rows, int Vectors>
[[gnu::always_inline]] inline void finish(typename S::F* sum, const float* bias, const Epilogue& e, int row, float* out,
                   std::size_t stride) {
    if (bias != nullptr)
#pragma GCC unroll 32
        for (int i = 0; i < Rows * Vectors; ++i)
            sum[i] = S::add(sum[i], S::load(bias + i % Vectors * S::width));
    activate<S, Rows * Vectors>(sum, e.activation);
    if (e.residual != nullptr)
#pragma GCC unroll 32
        for (int i = 0; i < Rows * Vectors; ++i)
            sum[i] = S::add(sum[i], S::load(e.residual + (row + i / Vectors) * e.residual_stride +
                                            i % Vectors * S::width));
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i)
        S::store(out + (row + i / Vectors) * stride + i % Vectors * S::width, sum[i]);
}

// `Rows` rows of x, [.., steps], times one panel of weights, added to what `out` holds unless `fresh`.
template <class S, int Rows>
inline void float_tile(const float* x, std::size_t x_stride, const float* w, std::size_t w_stride,
                       int steps, bool fresh, float* out, std::size_t stride, bool last,
                       const float* bias, const Epilogue& e, int row, Ahead& ahead) {
    constexpr int vectors = S::tile_vectors;
    typename S::F sum[Rows * vectors];  // flat: GCC keeps [Rows][vectors] on the stack
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i) sum[i] = S::zero();
    for (int begin = 0; begin < steps; begin += Ahead::stride) {
        const int end = std::min(steps, begin + Ahead::stride);
        ahead.fetch();
        for (int k = begin; k < end; ++k) {
            typename S::F b[vectors];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) b[v] = S::load(w + v * S::width);
#pragma GCC unroll 16
            for (int r = 0; r < Rows; ++r) {
                const auto a = S::broadcast(x + r * x_stride + k);
#pragma GCC unroll 4
                for (int v = 0; v < vectors; ++v)
                    sum[r * vectors + v] = S::fma(a, b[v], sum[r * vectors + v]);
            }
            w += w_stride;
        }
    }
    if (!fresh)
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i)
            sum[i] = S::add(S::load(out + i / vectors * stride + i % vectors * S::width), sum[i]);
    if (last) return finish<S, Rows, vectors>(sum, bias, e, row, out - row * stride, stride);
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i)
        S::store(out + i / vectors * stride + i % vectors * S::width, sum[i]);
}

// One panel for all rows; `out` and the residual point at the panel's first column.
template <class S>
void float_panel(int rows, const float* x, std::size_t x_stride, const float* w,
                 std::size_t w_stride, int steps, float* out, std::size_t stride, const float* bias,
                 const Epilogue& e, Ahead ahead = {}) {
    for (int k = 0; k < steps || k == 0; k += along) {
        const int here = std::min(along, steps - k);
        const bool last = k + along >= steps;
        for (int r = 0; r < rows; r += S::tile_rows) {
            with_rows<S::tile_rows>(std::min(S::tile_rows, rows - r), [&](auto count) {
                float_tile<S, count>(x + r * x_stride + k, x_stride, w + k * w_stride, w_stride, here,
                                     k == 0, out + r * stride, stride, last, bias, e, r, ahead);
            });
        }
    }
}

template <class S>
void multiply_float(const Matrix& m, const Input& input, int rows, int first, int last,
                    const Epilogue& e, float* out, std::size_t stride) {
    constexpr int wide = S::width * S::tile_vectors;
    for (int p = first; p < last; ++p) {
        const int tiles = (rows + S::tile_rows - 1) / S::tile_rows;
        const auto* weights = m.data + p * m.panel_bytes;
        Ahead ahead;
        if (p + 1 < m.panels) ahead = {weights + m.panel_bytes, m.panel_bytes, tiles, m.in};
        Epilogue here = e;
        if (e.residual != nullptr) here.residual = e.residual + p * wide;
        float_panel<S>(rows, static_cast<const float*>(input.rows), input.stride / sizeof(float),
                       reinterpret_cast<const float*>(weights), wide, m.in, out + p * wide, stride,
                       m.bias.data() + p * wide, here, ahead);
    }
}

}  // namespace
