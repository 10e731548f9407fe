// y = x W' with fp16 products and sums over `half_run` inputs, these summed in float32.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm_float.h"
#include "half.h"

namespace {

constexpr int half_run = 64;   // inputs that a sum of halves spans
constexpr int half_rows = 12;  // 12 x 2 accumulators, 2 of weights, 1 of input
constexpr int half_vectors = 2;

template <class S, int Rows>
inline void half_tile(const Matrix& m, int p, const unsigned char* x, std::size_t x_stride,
                      const Epilogue& e, float* out, std::size_t stride, int row) {
    constexpr int vectors = half_vectors, wide = S::half_width * vectors;
    constexpr int floats = wide / S::width;
    alignas(64) float total[Rows * wide] = {};
    const unsigned char* w = m.data + p * m.panel_bytes;
    for (int begin = 0; begin < m.in; begin += half_run) {
        typename S::H sum[Rows * vectors];
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i) sum[i] = S::zero_half();
        const int end = std::min(m.in, begin + half_run);
        for (int k = begin; k < end; ++k) {
            typename S::H b[vectors];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v)
                b[v] = S::load_half(w + (static_cast<std::size_t>(k) * wide + v * S::half_width) * 2);
#pragma GCC unroll 16
            for (int r = 0; r < Rows; ++r) {
                const auto a = S::broadcast_pair(x + r * x_stride + k * 4);
#pragma GCC unroll 4
                for (int v = 0; v < vectors; ++v)
                    sum[r * vectors + v] = S::fma_half(a, b[v], sum[r * vectors + v]);
            }
        }
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i) {
            float* t = total + i * S::half_width;
            S::store(t, S::add(S::load(t), S::widen_low(sum[i])));
            t += S::half_width / 2;
            S::store(t, S::add(S::load(t), S::widen_high(sum[i])));
        }
    }
    for (int r = 0; r < Rows; ++r) {
        typename S::F line[floats];
        for (int i = 0; i < floats; ++i) line[i] = S::load(total + r * wide + i * S::width);
        finish<S, 1, floats>(line, m.bias.data() + p * wide, e, row + r, out, stride);
    }
}

template <class S>
void multiply_half(const Matrix& m, const Input& input, int rows, int first, int last,
                   const Epilogue& e, float* out, std::size_t stride) {
    constexpr int wide = S::half_width * half_vectors;
    const auto* x = static_cast<const unsigned char*>(input.rows);
    for (int p = first; p < last; ++p) {
        Epilogue here = e;
        if (e.residual != nullptr) here.residual = e.residual + p * wide;
        for (int r = 0; r < rows; r += half_rows)
            with_rows<half_rows>(std::min(half_rows, rows - r), [&](auto count) {
                half_tile<S, count>(m, p, x + r * input.stride, input.stride, here, out + p * wide, stride,
                                    r);
            });
    }
}

// Each half twice, side by side.
inline void convert_half(const Matrix& m, const float* rows, std::size_t row_stride, int count,
                         void* out, std::size_t stride) {
    for (int r = 0; r < count; ++r) {
        auto* to = reinterpret_cast<uint32_t*>(static_cast<unsigned char*>(out) + r * stride);
        for (int i = 0; i < m.in; ++i) to[i] = poolwise::half_bits(rows[r * row_stride + i]) * 0x10001u;
    }
}

}  // namespace
