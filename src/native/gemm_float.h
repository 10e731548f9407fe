// y = x W' in float32. Every element is the sum, in order, of chains of `chain_steps` fused
// multiply-adds, whatever tile computes it: a row's result never depends on the rows beside it.
// Short chains also round less than one long chain.
#pragma once

#include <algorithm>
#include <type_traits>

#include "elementwise.h"
#include "kernels.h"

namespace {

using poolwise::Epilogue;
using poolwise::LinearInput;
using poolwise::Matrix;

// Longer chains store their sums less often; the weights of one panel stream from the second-level
// cache.
constexpr int chain_steps = 384;

// Calls work with the number of rows, 1 to MaxRows, as a constant, so that a tile's sums are
// registers.
template <int MaxRows, class Work>
[[gnu::always_inline]] inline void with_row_count(int rows, const Work& work) {
    if constexpr (MaxRows > 0) {
        if (rows == MaxRows)
            work(std::integral_constant<int, MaxRows>());
        else
            with_row_count<MaxRows - 1>(rows, work);
    }
}

// Prefetches the next panel's weights while the current panel is multiplied, a few cache lines at a
// time: memory is far slower than the products, and a burst of requests would stall them.
struct Prefetcher {
    static constexpr int usual = 32;
    int stride = usual;  // steps along the input between requests
    const unsigned char* next = nullptr;
    const unsigned char* end = nullptr;
    std::size_t request_bytes = 0;

    Prefetcher() = default;
    Prefetcher(const unsigned char* begin, std::size_t bytes, int tiles, int steps, int few)
        : next(begin), end(begin + bytes) {
        // There are no requests where a batch needs no row of a layer.
        if (tiles == 0) return;
        request_bytes = share(bytes, tiles, steps);
        if (request_bytes <= 2048) return;
        // Few rows: a burst of so many requests would stall the products.
        stride = few;
        request_bytes = share(bytes, tiles, steps);
    }

    void fetch() {
        const unsigned char* stop = next + request_bytes < end ? next + request_bytes : end;
        for (; next < stop; next += 64) __builtin_prefetch(next, 0, 2);
    }

private:
    // Of each request, in whole cache lines.
    std::size_t share(std::size_t bytes, int tiles, int steps) const {
        const std::size_t requests =
            static_cast<std::size_t>(tiles) * ((steps + stride - 1) / stride);
        return (bytes / requests + 63) / 64 * 64;
    }
};

// Prefetches the panel after `panel`, if there is one, over all tiles of `rows` rows.
template <class S>
Prefetcher prefetcher(const Matrix& m, int panel, int rows) {
    if (panel + 1 >= m.panels) return {};
    const int tiles = (rows + S::tile_rows - 1) / S::tile_rows;
    const int few = S::width < 16 ? Prefetcher::usual : 4;
    return {m.data + (panel + 1) * m.panel_bytes, m.panel_bytes, tiles, m.steps, few};
}

// A constant where vectors are short: their loops would lose more time to a variable.
template <class S>
int steps_between_requests(const Prefetcher& prefetch) {
    return S::width < 16 ? Prefetcher::usual : prefetch.stride;
}

// The output columns of one panel; the pointers point at its first column.
struct PanelOutput {
    float* out = nullptr;
    std::size_t stride = 0;       // floats
    const float* bias = nullptr;  // null: none
    Epilogue epilogue = {};
};

inline PanelOutput panel_output(const Matrix& m, int panel, float* out, std::size_t stride,
                                const Epilogue& epilogue) {
    const std::size_t column = static_cast<std::size_t>(panel) * m.panel;
    PanelOutput output{out + column, stride, m.bias.data() + column, epilogue};
    if (epilogue.factor != nullptr) output.epilogue.factor += column;
    if (epilogue.residual != nullptr) output.epilogue.residual += column;
    return output;
}

// Applies the epilogue to a tile of sums and stores it at `row`.
template <class S, int Rows, int Vectors>
[[gnu::always_inline]] inline void store_tile(typename S::F* sum, const PanelOutput& output,
                                              int row) {
    const float* bias = output.bias;
    const Epilogue epilogue = output.epilogue;
    float* out = output.out;
    const std::size_t stride = output.stride;
    if (bias != nullptr)
#pragma GCC unroll 32
        for (int i = 0; i < Rows * Vectors; ++i)
            sum[i] = S::add(sum[i], S::load(bias + i % Vectors * S::width));
    activate<S, Rows * Vectors>(sum, epilogue.activation);
    if (epilogue.factor != nullptr)
#pragma GCC unroll 32
        for (int i = 0; i < Rows * Vectors; ++i)
            sum[i] = S::mul(sum[i],
                            S::load(epilogue.factor + (row + i / Vectors) * epilogue.factor_stride +
                                    i % Vectors * S::width));
    if (epilogue.residual != nullptr)
#pragma GCC unroll 32
        for (int i = 0; i < Rows * Vectors; ++i)
            sum[i] = S::add(
                sum[i], S::load(epilogue.residual + (row + i / Vectors) * epilogue.residual_stride +
                                i % Vectors * S::width));
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i)
        S::store(out + (row + i / Vectors) * stride + i % Vectors * S::width, sum[i]);
}

// A product stored as it is.
struct PlainOutput {
    float* out = nullptr;
    std::size_t stride = 0;  // floats
};

template <class S, int Rows, int Vectors>
[[gnu::always_inline]] inline void store_tile(typename S::F* sum, const PlainOutput& output,
                                              int row) {
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i)
        S::store(output.out + (row + i / Vectors) * output.stride + i % Vectors * S::width, sum[i]);
}

// Rows of inputs and one panel of weights.
struct FloatOperands {
    const float* x;
    std::size_t x_stride;  // floats
    const float* weights;
    std::size_t weights_stride;  // floats from step to step
    int steps;
    int first = 0;  // the steps before this one have zero inputs
};

// The steps of one chain. All but the first add to the stored sums; the last applies the epilogue.
struct Chain {
    int begin, steps;
    bool first, last;
};

// One chain of `Rows` rows, from `row` on. A function of its own: inlined, its pointers would share
// the registers of the loops around it.
template <class S, int Rows, int vectors, class Output>
[[gnu::noinline]] void float_tile(const FloatOperands& operands, const Chain& chain,
                                  const Output& output, int row, Prefetcher& prefetch) {
    // Locals, because vector stores may alias the structs.
    const std::size_t x_stride = operands.x_stride, w_stride = operands.weights_stride;
    const float* x = operands.x + row * x_stride + chain.begin;
    const float* w = operands.weights + chain.begin * w_stride;
    const std::size_t stride = output.stride;
    float* out = output.out + row * stride;
    const int steps = chain.steps;
    typename S::F sum[Rows * vectors];  // flat: GCC keeps [Rows][vectors] on the stack
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i) sum[i] = S::zero();
    const int block = steps_between_requests<S>(prefetch);
    for (int begin = 0; begin < steps; begin += block) {
        const int end = std::min(steps, begin + block);
        prefetch.fetch();
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
    if (!chain.first)
#pragma GCC unroll 32
        for (int i = 0; i < Rows * vectors; ++i)
            sum[i] = S::add(S::load(out + i / vectors * stride + i % vectors * S::width), sum[i]);
    if (chain.last) return store_tile<S, Rows, vectors>(sum, output, row);
#pragma GCC unroll 32
    for (int i = 0; i < Rows * vectors; ++i)
        S::store(out + i / vectors * stride + i % vectors * S::width, sum[i]);
}

// The product of `rows` rows and one panel of `Vectors` vectors, in tiles of equal heights: a tile
// of few rows would wait for its own sums.
template <class S, int Vectors = S::tile_vectors, class Output>
void multiply_panel(int rows, const FloatOperands& operands, const Output& output,
                    Prefetcher prefetch = {}) {
    const int tiles = (rows + S::tile_rows - 1) / S::tile_rows;
    const int height = tiles > 0 ? rows / tiles : 0;  // of the lower tiles, which come last
    const int steps = operands.steps;
    const int start = operands.first / chain_steps * chain_steps;
    for (int k = start; k < steps || k == start; k += chain_steps) {
        const int begin = std::max(k, operands.first), end = std::min(k + chain_steps, steps);
        const Chain chain{begin, end - begin, k == start, end == steps};
        for (int row = 0, tile = 0; tile < tiles; ++tile) {
            const int tile_rows = height + (tile < rows - height * tiles);
            with_row_count<S::tile_rows>(tile_rows, [&](auto count) {
                float_tile<S, count, Vectors>(operands, chain, output, row, prefetch);
            });
            row += tile_rows;
        }
    }
}

// Calls work with the number of vectors, 1 to MaxVectors, that hold these columns, or MaxVectors if
// there are more.
template <class S, class Work, int MaxVectors = S::tile_vectors>
[[gnu::always_inline]] inline void with_vector_count(int columns, const Work& work) {
    if constexpr (MaxVectors > 1)
        if (columns <= (MaxVectors - 1) * S::width)
            return with_vector_count<S, Work, MaxVectors - 1>(columns, work);
    work(std::integral_constant<int, MaxVectors>());
}

template <class S>
void multiply_float(const Matrix& m, const LinearInput& input, int rows, int first_panel,
                    int last_panel, const Epilogue& epilogue, float* out, std::size_t stride) {
    for (int p = first_panel; p < last_panel; ++p)
        multiply_panel<S>(rows,
                          {.x = static_cast<const float*>(input.rows),
                           .x_stride = input.stride / sizeof(float),
                           .weights = reinterpret_cast<const float*>(m.data + p * m.panel_bytes),
                           .weights_stride = S::width * S::tile_vectors,
                           .steps = m.in},
                          panel_output(m, p, out, stride, epilogue),
                          prefetcher<S>(m, p, rows));
}

}  // namespace
