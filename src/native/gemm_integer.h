// y = x W' in integers: int16 in pairs (every CPU) or int8 in fours (where the CPU has the
// instruction). Sums over a group of inputs are exact in int32, then scaled and added in float32,
// group by group: a group's weights, one panel wide, stay in the first-level cache.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm_float.h"
#include "quantize.h"

namespace {

template <class S, bool Int8>
inline typename S::I dot(typename S::I sum, typename S::I a, typename S::I b) {
    if constexpr (Int8)
        return S::dot8(sum, a, b);
    else
        return S::dot16(sum, a, b);
}

// The steps of one group of inputs along one panel.
struct IntegerGroup {
    const unsigned char* weights;  // of the panel
    const float* scales;
    const int32_t* initial;
    int begin, end;
    bool first, last;
};

inline IntegerGroup group_of(const Matrix& m, int panel, int g, int inputs_per_step) {
    const int steps = m.group / inputs_per_step;
    const std::size_t column = (static_cast<std::size_t>(panel) * m.groups + g) * m.panel;
    return {.weights = m.data + panel * m.panel_bytes,
            .scales = m.scales.data() + column,
            .initial = m.initial.data() + column,
            .begin = g * steps,
            .end = std::min(m.steps, (g + 1) * steps),
            .first = g == 0,
            .last = g + 1 == m.groups};
}

// Starts a row's sums: the initial values, and what the row's bytes leave out.
template <class S>
[[gnu::always_inline]] inline void begin_bytes(typename S::I* sum, const IntegerGroup& group,
                                               const Excess& excess) {
    constexpr int vectors = S::tile_vectors, columns = S::width * vectors;
    const auto add = [&](const Excess::Part& part) __attribute__((always_inline)) {
        if (part.step < group.begin || part.step >= group.end) return;
        const unsigned char* w = group.weights + static_cast<std::size_t>(part.step) * columns * 4;
        const auto a = S::broadcast_int(&part.bytes);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v)
            sum[v] = S::dot8(sum[v], a, S::load_int(w + v * S::width * 4));
    };
    const int negative = excess.negative, count = excess.count;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[v] = S::zero_int();
    for (int i = 0; i < negative; ++i) add(excess.parts[i]);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
        sum[v] = S::sub_int(
            byte_zero<S> ? S::load_int(group.initial + v * S::width) : S::zero_int(), sum[v]);
    for (int i = negative; i < count; ++i) add(excess.parts[i]);
}

template <class S, bool Int8, int Rows>
inline void integer_tile(const IntegerGroup& group, const LinearInput& input,
                         const PanelOutput& output, int row, Prefetcher& prefetch) {
    constexpr int vectors = S::tile_vectors, columns = S::width * vectors;
    const std::size_t x_stride = input.stride, stride = output.stride;
    const auto* x = static_cast<const unsigned char*>(input.rows) + row * x_stride;
    float* out = output.out + row * stride;
    typename S::I sum[Rows * vectors];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
        if constexpr (Int8)
            begin_bytes<S>(
                sum + r * vectors, group,
                *poolwise::excess_of(const_cast<unsigned char*>(x) + r * x_stride, x_stride));
        else
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) sum[r * vectors + v] = S::zero_int();
    }
    const int group_end = group.end;
    const unsigned char* w = group.weights + static_cast<std::size_t>(group.begin) * columns * 4;
    for (int begin = group.begin; begin < group_end; begin += Prefetcher::stride) {
        const int end = std::min(group_end, begin + Prefetcher::stride);
        prefetch.fetch();
        for (int k = begin; k < end; ++k) {
            typename S::I b[vectors];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) b[v] = S::load_int(w + v * S::width * 4);
#pragma GCC unroll 16
            for (int r = 0; r < Rows; ++r) {
                const auto a = S::broadcast_int(x + r * x_stride + k * 4);
#pragma GCC unroll 4
                for (int v = 0; v < vectors; ++v)
                    sum[r * vectors + v] = dot<S, Int8>(sum[r * vectors + v], a, b[v]);
            }
            w += columns * 4;
        }
    }
    typename S::F total[Rows * vectors];
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i) {
        const auto scale = S::load(group.scales + i % vectors * S::width);
        float* before = out + i / vectors * stride + i % vectors * S::width;
        total[i] = S::mul(S::to_float(sum[i]), scale);
        if (!group.first) total[i] = S::add(S::load(before), total[i]);
        if (!group.last) S::store(before, total[i]);
    }
    if (!group.last) return;
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i)
        total[i] = S::mul(total[i], S::splat(input.scales[row + i / vectors]));
    store_tile<S, Rows, vectors>(total, output, row);
}

template <class S, bool Int8>
void multiply_integer(const Matrix& m, const LinearInput& input, int rows, int first_panel,
                      int last_panel, const Epilogue& epilogue, float* out, std::size_t stride) {
    for (int p = first_panel; p < last_panel; ++p) {
        const PanelOutput output = panel_output(m, p, out, stride, epilogue);
        Prefetcher prefetch = prefetcher(m, p, rows, S::tile_rows);
        for (int g = 0; g < m.groups; ++g) {
            const IntegerGroup group = group_of(m, p, g, Int8 ? 4 : 2);
            for (int row = 0; row < rows; row += S::tile_rows)
                with_row_count<S::tile_rows>(std::min(S::tile_rows, rows - row), [&](auto count) {
                    integer_tile<S, Int8, count>(group, input, output, row, prefetch);
                });
        }
    }
}

}  // namespace
