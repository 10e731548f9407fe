// The weights of linear layers, packed for the kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "buffer.h"
#include "pages.h"

namespace poolwise {

enum class Format { f32, f16, i16, i8, i8x8 };

constexpr bool is_int8(Format f) { return f == Format::i8 || f == Format::i8x8; }

// The weights [out, in] of a linear layer in panels of `panel` output columns. Panel p holds, for
// each step along the input, that step's weights of its columns side by side: one float or half a
// step, pairs of int16, fours of int8, or eights for kernels that multiply matrices. Integer
// weights have a scale for each column and each group of `group` inputs, a row of inputs has one
// scale. Where int8 inputs have their zero at 128, the initial value of the sums compensates it.
struct Matrix {
    Format format = Format::f32;
    int in = 0, out = 0;
    int panel = 0, panels = 0;
    int steps = 0;  // along the input, padded with zeros
    int group = 0;  // inputs in a group
    int groups = 0;
    std::size_t panel_bytes = 0;
    unsigned char* data = nullptr;  // in the encoder's pages
    Buffer<float> bias;             // [panels * panel]
    Buffer<float> scales;           // [panels][groups][panel]
    Buffer<int32_t> initial;  // the same shape: -128 * the sum of the group's weights, for int8
};

// Packs weights [out, in] and bias [out] (null: none); `pages` owns the packed weights.
Matrix pack(const float* weights, const float* bias, int out, int in, Format format, int panel,
            Pages& pages);

// Bytes of one row of input in the matrix's format.
std::size_t converted_bytes(const Matrix&);

constexpr int integer_group = 256;
constexpr int int8_limit = 127, int16_limit = 32767;  // the largest magnitudes

// The largest Euclidean norm of a group of int16 numbers before they are rounded, which adds at
// most sqrt(integer_group) / 2 to it. A sum of products is at most the product of the norms
// (Cauchy and Schwarz), and so is every part of it: below 46340^2 < 2^31.
constexpr float int16_norm = 46330;

// Numbers whose scale is no larger count as zeros.
constexpr float least_scale = 1e-36f;

// What the bytes of one row of int8 inputs leave out, because it is beyond int8_limit: first the
// negative parts. It stands at the end of the row.
struct Excess {
    static constexpr int capacity = 31;
    struct Part {
        int32_t step;
        uint32_t bytes;  // magnitudes, as the step's four inputs
    };
    int32_t negative = 0, count = 0;
    Part parts[capacity];
};
static_assert(sizeof(Excess) == 256);

// Of a row of `stride` bytes.
inline Excess* excess_of(unsigned char* row, std::size_t stride) {
    return reinterpret_cast<Excess*>(row + stride - sizeof(Excess));
}

}  // namespace poolwise
