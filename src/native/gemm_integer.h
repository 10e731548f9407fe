// y = x W' in integers: int16 in pairs (every CPU) or int8 in fours (where the CPU has the
// instruction). Sums over a group of inputs are exact in int32, then scaled and summed in float32.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm_float.h"

namespace {

template <class S, bool Int8>
inline typename S::I dot(typename S::I sum, typename S::I a, typename S::I b) {
    if constexpr (Int8)
        return S::dot8(sum, a, b);
    else
        return S::dot16(sum, a, b);
}

constexpr int integer_tile_rows = 6;  // 6 x 2 accumulators fit both register files
constexpr int integer_tile_vectors = 2;

template <class S, bool Int8, int Rows>
inline void integer_tile(const Matrix& m, int panel, const LinearInput& input,
                         const PanelOutput& output, int row, Prefetcher& prefetch) {
    constexpr int vectors = integer_tile_vectors, columns = S::width * vectors;
    constexpr int inputs_per_step = Int8 ? 4 : 2;
    const std::size_t x_stride = input.stride;
    const auto* x = static_cast<const unsigned char*>(input.rows) + row * x_stride;
    const unsigned char* w = m.data + panel * m.panel_bytes;
    const int groups = m.groups, steps = m.steps, group_steps = m.group / inputs_per_step;
    const float* x_scales = input.scales + row * groups;
    typename S::F total[Rows * vectors];
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i) total[i] = S::zero();
    for (int g = 0; g < groups; ++g) {
        const std::size_t column = (static_cast<std::size_t>(panel) * groups + g) * columns;
        typename S::I sum[Rows * vectors];
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i)
            sum[i] = S::load_int(m.initial.data() + column + (i % vectors) * S::width);
        const int group_begin = g * group_steps;
        const int group_end = std::min(steps, group_begin + group_steps);
        for (int begin = group_begin; begin < group_end; begin += Prefetcher::stride) {
            const int end = std::min(group_end, begin + Prefetcher::stride);
            prefetch.fetch();
            for (int k = begin; k < end; ++k) {
                typename S::I b[vectors];
#pragma GCC unroll 4
                for (int v = 0; v < vectors; ++v)
                    b[v] =
                        S::load_int(w + (static_cast<std::size_t>(k) * columns + v * S::width) * 4);
#pragma GCC unroll 8
                for (int r = 0; r < Rows; ++r) {
                    const auto a = S::broadcast_int(x + r * x_stride + k * 4);
#pragma GCC unroll 4
                    for (int v = 0; v < vectors; ++v)
                        sum[r * vectors + v] = dot<S, Int8>(sum[r * vectors + v], a, b[v]);
                }
            }
        }
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i) {
            const auto scale = S::load(m.scales.data() + column + (i % vectors) * S::width);
            const auto product = S::mul(scale, S::splat(x_scales[i / vectors * groups + g]));
            total[i] = S::fma(S::to_float(sum[i]), product, total[i]);
        }
    }
    store_tile<S, Rows, vectors>(total, output, row);
}

template <class S, bool Int8>
void multiply_integer(const Matrix& m, const LinearInput& input, int rows, int first_panel,
                      int last_panel, const Epilogue& epilogue, float* out, std::size_t stride) {
    constexpr int tile_rows = integer_tile_rows;
    for (int p = first_panel; p < last_panel; ++p) {
        const PanelOutput output = panel_output(m, p, out, stride, epilogue);
        Prefetcher prefetch = prefetcher(m, p, rows, tile_rows);
        for (int row = 0; row < rows; row += tile_rows)
            with_row_count<tile_rows>(std::min(tile_rows, rows - row), [&](auto count) {
                integer_tile<S, Int8, count>(m, p, input, output, row, prefetch);
            });
    }
}

// Scales `count` floats so that the largest magnitude becomes `limit`, and returns the scale; it is
// 0 for zeros. Rounds to nearest, ties to even, by adding 1.5 * 2^23: the low bits then hold the
// integer.
template <class S>
float quantize(const float* x, int count, float limit, int32_t* out) {
    auto maxima = S::zero();
    int i = 0;
    for (; i + S::width <= count; i += S::width) maxima = S::max(maxima, S::abs(S::load(x + i)));
    float largest = max_of<S>(maxima);
    for (; i < count; ++i) largest = std::max(largest, __builtin_fabsf(x[i]));
    const float inverse = largest > 0 ? limit / largest : 0.0f;
    for (i = 0; i < count; ++i) {
        const float shifted = x[i] * inverse + 12582912.0f;
        int32_t bits;
        __builtin_memcpy(&bits, &shifted, 4);
        out[i] = bits - 0x4b400000;
    }
    return largest / limit;
}

template <class S>
void convert_integer(const Matrix& m, const float* rows, std::size_t row_stride, int count,
                     void* out, std::size_t stride, float* scales) {
    int32_t quantized[poolwise::int16_group];
    const bool int8 = m.format == poolwise::Format::i8;
    const float limit = poolwise::integer_limit(m.format);
    for (int r = 0; r < count; ++r) {
        auto* bytes = static_cast<unsigned char*>(out) + r * stride;
        for (int g = 0; g < m.groups; ++g) {
            const int begin = g * m.group, size = std::min(m.group, m.in - begin);
            scales[r * m.groups + g] =
                quantize<S>(rows + r * row_stride + begin, size, limit, quantized);
            if (int8) {
                for (int i = 0; i < size; ++i)
                    bytes[begin + i] = static_cast<unsigned char>(quantized[i] + 128);
            } else {
                auto* words = reinterpret_cast<int16_t*>(bytes) + begin;
                for (int i = 0; i < size; ++i) words[i] = static_cast<int16_t>(quantized[i]);
            }
        }
    }
}

}  // namespace
