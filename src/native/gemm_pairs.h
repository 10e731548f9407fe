// Products of bytes on a CPU that multiplies matrices: two rows by two columns, over eight inputs,
// in one instruction.
#pragma once

#include "gemm_float.h"

namespace {

template <class S>
constexpr bool multiplies_pairs = requires(typename S::I v) { S::dot_pairs(v, v, v); };

template <class S>
constexpr int byte_step = multiplies_pairs<S> ? 8 : 4;  // inputs

template <class S>
constexpr poolwise::Format byte_format =
    multiplies_pairs<S> ? poolwise::Format::i8x8 : poolwise::Format::i8;

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

// The weights of four inputs, those of `part`, of a step's columns in vector v.
template <class S>
[[gnu::always_inline]] inline typename S::I load_fours(const unsigned char* step, int v, int part) {
    const unsigned char* w = step + v * S::width * byte_step<S>;
    if constexpr (multiplies_pairs<S>)
        return S::load_fours(w, part % 2);
    else
        return S::load_int(w);
}

// Adds a group's products to the sums of `Rows` rows. Meanwhile a vector has the sums of two rows
// and two columns; beside the last of an odd number of rows stands the row itself.
template <class S, int Rows>
[[gnu::always_inline]] inline void add_pair_products(typename S::I* sum, const IntegerGroup& group,
                                                     const unsigned char* x, std::size_t x_stride,
                                                     Prefetcher& prefetch) {
    constexpr int vectors = S::tile_vectors, pairs = (Rows + 1) / 2;
    constexpr int blocks = 2 * vectors;  // of a pair of rows
    constexpr int step_bytes = S::width * vectors * 8;
    typename S::I block[pairs * blocks];
#pragma GCC unroll 32
    for (int i = 0; i < pairs * vectors; ++i) {
        const int first = i / vectors * blocks + i % vectors;
        block[2 * i] = sum[first];
        block[2 * i + 1] = first + vectors < Rows * vectors ? sum[first + vectors] : S::zero_int();
        S::exchange_pairs(block[2 * i], block[2 * i + 1]);
    }
    const int end = group.end;
    const unsigned char* w = group.weights + static_cast<std::size_t>(group.begin) * step_bytes;
    prefetch.fetch();
    for (int k = group.begin; k < end; ++k) {
        typename S::I b[blocks];
#pragma GCC unroll 8
        for (int i = 0; i < blocks; ++i) b[i] = S::load_int(w + i * S::width * 4);
#pragma GCC unroll 8
        for (int p = 0; p < pairs; ++p) {
            const int row = 2 * p, next = row + 1 < Rows ? row + 1 : row;
            const auto a = S::load_pair(x + row * x_stride + k * 8, x + next * x_stride + k * 8);
#pragma GCC unroll 8
            for (int i = 0; i < blocks; ++i)
                block[p * blocks + i] = S::dot_pairs(block[p * blocks + i], a, b[i]);
        }
        w += step_bytes;
    }
#pragma GCC unroll 32
    for (int i = 0; i < pairs * vectors; ++i) {
        const int first = i / vectors * blocks + i % vectors;
        S::exchange_pairs(block[2 * i], block[2 * i + 1]);
        sum[first] = block[2 * i];
        if (first + vectors < Rows * vectors) sum[first + vectors] = block[2 * i + 1];
    }
}

}  // namespace
