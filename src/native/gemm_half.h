// y = x W' with fp16 products and sums over `half_chain` inputs, whose results are summed in
// float32.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm_float.h"
#include "half.h"

namespace {

constexpr int half_chain = 64;      // inputs in a sum of halves
constexpr int half_tile_rows = 12;  // 12 x 2 accumulators, 2 of weights, 1 of input
constexpr int half_tile_vectors = 2;

template <class S, int Rows>
inline void half_tile(const Matrix& m, int panel, const LinearInput& input,
                      const PanelOutput& output, int row) {
    constexpr int vectors = half_tile_vectors, columns = S::half_width * vectors;
    constexpr int float_vectors = columns / S::width;
    const std::size_t x_stride = input.stride;
    const auto* x = static_cast<const unsigned char*>(input.rows) + row * x_stride;
    const unsigned char* w = m.data + panel * m.panel_bytes;
    const int inputs = m.in;
    alignas(64) float total[Rows * columns] = {};
    for (int begin = 0; begin < inputs; begin += half_chain) {
        typename S::H sum[Rows * vectors];
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i) sum[i] = S::zero_half();
        const int end = std::min(inputs, begin + half_chain);
        for (int k = begin; k < end; ++k) {
            typename S::H b[vectors];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v)
                b[v] = S::load_half(
                    w + (static_cast<std::size_t>(k) * columns + v * S::half_width) * 2);
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
        typename S::F sums[float_vectors];
        for (int i = 0; i < float_vectors; ++i)
            sums[i] = S::load(total + r * columns + i * S::width);
        store_tile<S, 1, float_vectors>(sums, output, row + r);
    }
}

template <class S>
void multiply_half(const Matrix& m, const LinearInput& input, int rows, int first_panel,
                   int last_panel, const Epilogue& epilogue, float* out, std::size_t stride) {
    for (int p = first_panel; p < last_panel; ++p) {
        const PanelOutput output = panel_output(m, p, out, stride, epilogue);
        for (int row = 0; row < rows; row += half_tile_rows)
            with_row_count<half_tile_rows>(std::min(half_tile_rows, rows - row), [&](auto count) {
                half_tile<S, count>(m, p, input, output, row);
            });
    }
}

// Writes each half twice, side by side, as broadcast_pair takes them.
inline void convert_half(const Matrix& m, const float* rows, std::size_t row_stride, int count,
                         void* out, std::size_t stride) {
    for (int r = 0; r < count; ++r) {
        auto* pairs = reinterpret_cast<uint32_t*>(static_cast<unsigned char*>(out) + r * stride);
        for (int i = 0; i < m.in; ++i)
            pairs[i] = poolwise::half_bits(rows[r * row_stride + i]) * 0x10001u;
    }
}

}  // namespace
