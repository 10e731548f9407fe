// The weights of linear layers, packed for the kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "buffer.h"
#include "pages.h"

namespace poolwise {

enum class Format { f32, f16, i16, i8 };

// The weights [out, in] of a linear layer in panels of `panel` output columns. Panel p holds, for
// each step along the input, that step's weights of its columns side by side: one float or half a
// step, pairs of int16, fours of int8. Integer weights have a scale for each column and each group
// of `group` inputs; int8 inputs have their zero at 128, which the initial value of the sums
// compensates.
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

// The largest magnitude of an integer format's numbers. Sums over a group's products fit int32.
constexpr float int16_limit = 1448;  // 1448 * 1448 * int16_group < 2^31
constexpr float int8_limit = 127;
constexpr int int16_group = 1024;
constexpr int int8_group = 128;
static_assert(int16_group >= int8_group);
constexpr float integer_limit(Format format) {
    return format == Format::i8 ? int8_limit : int16_limit;
}

}  // namespace poolwise
