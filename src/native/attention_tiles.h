// Tiles of the two products of attention in integers.
#pragma once

#include "gemm_integer.h"

namespace {

// Rows of int16 pairs or fours of bytes, and one panel of them; strides in bytes.
struct IntegerOperands {
    const unsigned char* x;
    std::size_t x_stride;
    const unsigned char* weights;
    int begin, end;  // steps
};

// Adds the products of a tile to `sum`.
template <class S, bool Int8, int Rows, int Vectors>
[[gnu::always_inline]] inline void add_products(const IntegerOperands& operands, int row,
                                                typename S::I* sum) {
    constexpr std::size_t step = Vectors * S::width * 4;
    const std::size_t x_stride = operands.x_stride;
    const int end = operands.end;
    const unsigned char* x = operands.x + row * x_stride;
    const unsigned char* w = operands.weights + operands.begin * step;
    for (int k = operands.begin; k < end; ++k, w += step) {
        typename S::I b[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) b[v] = S::load_int(w + v * S::width * 4);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
            const auto a = S::broadcast_int(x + r * x_stride + k * 4);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                sum[r * Vectors + v] = dot<S, Int8>(sum[r * Vectors + v], a, b[v]);
        }
    }
}

// scores = products times the keys' scales
template <class S, bool Int8, int Rows, int Vectors>
[[gnu::noinline]] void score_tile(const IntegerOperands& operands, const float* scales,
                                  const int32_t* initial, const PlainOutput& output, int row) {
    typename S::I sum[Rows * Vectors];
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i)
        sum[i] = Int8 ? S::load_int(initial + i % Vectors * S::width) : S::zero_int();
    add_products<S, Int8, Rows, Vectors>(operands, row, sum);
    float* out = output.out + row * output.stride;
    const std::size_t stride = output.stride;
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i)
        S::store(out + i / Vectors * stride + i % Vectors * S::width,
                 S::mul(S::to_float(sum[i]), S::load(scales + i % Vectors * S::width)));
}

// context (+)= products of one group times the columns' scales
template <class S, int Rows, int Vectors>
[[gnu::noinline]] void context_tile(const IntegerOperands& operands, const float* scales,
                                    bool first, const PlainOutput& output, int row) {
    typename S::I sum[Rows * Vectors];
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i) sum[i] = S::zero_int();
    add_products<S, false, Rows, Vectors>(operands, row, sum);
    float* out = output.out + row * output.stride;
    const std::size_t stride = output.stride;
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i) {
        float* total = out + i / Vectors * stride + i % Vectors * S::width;
        const auto scale = S::load(scales + i % Vectors * S::width);
        S::store(total, S::fma(S::to_float(sum[i]), scale, first ? S::zero() : S::load(total)));
    }
}

// Calls work(rows, first row) for tiles of equal heights.
template <class S, class Work>
[[gnu::always_inline]] inline void for_tiles(int rows, const Work& work) {
    const int tiles = (rows + S::tile_rows - 1) / S::tile_rows, height = rows / tiles;
    for (int row = 0, tile = 0; tile < tiles; ++tile) {
        const int tile_rows = height + (tile < rows - height * tiles);
        with_row_count<S::tile_rows>(tile_rows, [&](auto count) { work(count, row); });
        row += tile_rows;
    }
}

}  // namespace
