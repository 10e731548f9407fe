// y = x W' in integers: int16 pairs (every CPU) and int8 fours (where the CPU has them), exact sums in
// int32 over a group of inputs, then scaled and summed in float32.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm_float.h"

namespace {

template <class S, bool Bytes>
inline typename S::I dot(typename S::I sum, typename S::I a, typename S::I b) {
    if constexpr (Bytes)
        return S::dot8(sum, a, b);
    else
        return S::dot16(sum, a, b);
}

constexpr int integer_rows = 6;     // 6 x 2 accumulators fit both register files
constexpr int integer_vectors = 2;

template <class S, bool Bytes, int Rows>
inline void integer_tile(const Matrix& m, int p, const unsigned char* x, std::size_t x_stride,
                         const float* x_scales, const Epilogue& e, float* out, std::size_t stride,
                         int row, Ahead& ahead) {
    constexpr int vectors = integer_vectors, wide = S::width * vectors;
    constexpr int inputs = Bytes ? 4 : 2;
    typename S::F total[Rows * vectors];
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i) total[i] = S::zero();
    const unsigned char* w = m.data + p * m.panel_bytes;
    const int group_steps = m.group / inputs;
    for (int g = 0; g < m.groups; ++g) {
        const std::size_t at = (static_cast<std::size_t>(p) * m.groups + g) * wide;
        typename S::I sum[Rows * vectors];
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i)
            sum[i] = S::load_int(m.start.data() + at + (i % vectors) * S::width);
        const int begin = g * group_steps, end = std::min(m.steps, begin + group_steps);
        for (int some = begin; some < end; some += Ahead::stride) {
            const int stop = std::min(end, some + Ahead::stride);
            ahead.fetch();
            for (int k = some; k < stop; ++k) {
                typename S::I b[vectors];
#pragma GCC unroll 4
                for (int v = 0; v < vectors; ++v)
                    b[v] = S::load_int(w + (static_cast<std::size_t>(k) * wide + v * S::width) * 4);
#pragma GCC unroll 8
                for (int r = 0; r < Rows; ++r) {
                    const auto a = S::broadcast_int(x + r * x_stride + k * 4);
#pragma GCC unroll 4
                    for (int v = 0; v < vectors; ++v)
                        sum[r * vectors + v] = dot<S, Bytes>(sum[r * vectors + v], a, b[v]);
                }
            }
        }
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i) {
            const auto column = S::load(m.scales.data() + at + (i % vectors) * S::width);
            const auto scale = S::mul(column, S::all(x_scales[i / vectors * m.groups + g]));
            total[i] = S::fma(S::to_float(sum[i]), scale, total[i]);
        }
    }
    finish<S, Rows, vectors>(total, m.bias.data() + p * wide, e, row, out, stride);
}

template <class S, bool Bytes>
void multiply_integer(const Matrix& m, const Input& input, int rows, int first, int last,
                      const Epilogue& e, float* out, std::size_t stride) {
    constexpr int wide = S::width * integer_vectors;
    const auto* x = static_cast<const unsigned char*>(input.rows);
    for (int p = first; p < last; ++p) {
        const auto* weights = m.data + p * m.panel_bytes;
        Ahead ahead;
        if (p + 1 < m.panels)
            ahead = {weights + m.panel_bytes, m.panel_bytes, (rows + integer_rows - 1) / integer_rows,
                     m.steps};
        Epilogue here = e;
        if (e.residual != nullptr) here.residual = e.residual + p * wide;
        for (int r = 0; r < rows; r += integer_rows)
            with_rows<integer_rows>(std::min(integer_rows, rows - r), [&](auto count) {
                integer_tile<S, Bytes, count>(m, p, x + r * input.stride, input.stride,
                                              input.scales + r * m.groups, here, out + p * wide, stride,
                                              r, ahead);
            });
    }
}

// The largest magnitude becomes `limit`; a group of zeros has scale 0. Rounds to nearest, ties to even,
// by adding 1.5 * 2^23, whose last bits then hold the whole number.
template <class S>
float quantize(const float* x, int count, float limit, int32_t* out) {
    auto top = S::zero();
    int i = 0;
    for (; i + S::width <= count; i += S::width) top = S::max(top, S::absolute(S::load(x + i)));
    float largest = max_of<S>(top);
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
    int32_t whole[poolwise::int16_group];
    const bool bytes = m.format == poolwise::Format::i8;
    for (int r = 0; r < count; ++r) {
        auto* to = static_cast<unsigned char*>(out) + r * stride;
        for (int g = 0; g < m.groups; ++g) {
            const int begin = g * m.group, size = std::min(m.group, m.in - begin);
            const float scale =
                quantize<S>(rows + r * row_stride + begin, size, poolwise::integer_limit(m.format), whole);
            scales[r * m.groups + g] = scale;
            if (bytes) {
                for (int i = 0; i < size; ++i) to[begin + i] = static_cast<unsigned char>(whole[i] + 128);
            } else {
                auto* pairs = reinterpret_cast<int16_t*>(to) + begin;
                for (int i = 0; i < size; ++i) pairs[i] = static_cast<int16_t>(whole[i]);
            }
        }
    }
}

}  // namespace
