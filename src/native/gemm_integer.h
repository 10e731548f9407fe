// y = x W' in integers: int16 in pairs (every CPU) or int8 in fours (where the CPU has the
// instruction). Sums over a group of inputs are exact in int32, then scaled and added in float32,
// group by group: a group's weights, one panel wide, stay in the first-level cache.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm_pairs.h"
#include "quantize.h"

namespace {

template <class S, bool Int8, class Broadcast>
inline typename S::I dot(typename S::I sum, Broadcast a, typename S::I b) {
    if constexpr (Int8)
        return S::dot8(sum, a, b);
    else
        return S::dot16(sum, a, b);
}

// Starts a row's sums: the initial values, and what the row's bytes leave out.
template <class S>
[[gnu::always_inline]] inline void begin_bytes(typename S::I* sum, const IntegerGroup& group,
                                               const Excess& excess) {
    constexpr int vectors = S::tile_vectors, columns = S::width * vectors;
    const auto add = [&](const Excess::Part& part) __attribute__((always_inline)) {
        const int step = part.step * 4 / byte_step<S>;
        if (step < group.begin || step >= group.end) return;
        const unsigned char* w =
            group.weights + static_cast<std::size_t>(step) * columns * byte_step<S>;
        const auto a = S::broadcast_int(&part.bytes);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v)
            sum[v] = S::dot8(sum[v], a, load_fours<S>(w, v, part.step));
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
[[gnu::always_inline]] inline void add_products(typename S::I* sum, const IntegerGroup& group,
                                                const unsigned char* x, std::size_t x_stride,
                                                Prefetcher& prefetch) {
    constexpr int vectors = S::tile_vectors, columns = S::width * vectors;
    const int group_end = group.end;
    const unsigned char* w = group.weights + static_cast<std::size_t>(group.begin) * columns * 4;
    const int block = steps_between_requests<S>(prefetch);
    for (int begin = group.begin; begin < group_end; begin += block) {
        const int end = std::min(group_end, begin + block);
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
}

template <class S, bool Int8, int Rows>
inline void integer_tile(const IntegerGroup& group, const LinearInput& input,
                         const PanelOutput& output, int row, Prefetcher& prefetch) {
    constexpr int vectors = S::tile_vectors;
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
    if constexpr (Int8 && multiplies_pairs<S>)
        add_pair_products<S, Rows>(sum, group, x, x_stride, prefetch);
    else
        add_products<S, Int8, Rows>(sum, group, x, x_stride, prefetch);
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
        Prefetcher prefetch = prefetcher<S>(m, p, rows);
        for (int g = 0; g < m.groups; ++g) {
            const IntegerGroup group = group_of(m, p, g, Int8 ? byte_step<S> : 2);
            for (int row = 0; row < rows; row += S::tile_rows)
                with_row_count<S::tile_rows>(std::min(S::tile_rows, rows - row), [&](auto count) {
                    integer_tile<S, Int8, count>(group, input, output, row, prefetch);
                });
        }
    }
}

}  // namespace
