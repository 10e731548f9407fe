// What one instruction set's kernels offer: a table of functions, chosen once, at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "buffer.h"
#include "pages.h"

namespace poolwise {

enum class Format { f32, f16, i16, i8 };
enum class Activation { none, gelu, gelu_tanh, relu, silu };

// The weights [out, in] of a linear layer in panels of `panel` columns of the output. Panel p holds,
// for each step along the input, that step's weights of its columns side by side: one float or half
// a step, pairs of int16, fours of int8. Integer weights have a scale for each column and each group
// of `group` inputs; int8 inputs have their zero at 128, which the sums' start takes off again.
struct Matrix {
    Format format = Format::f32;
    int in = 0, out = 0;
    int panel = 0, panels = 0;
    int steps = 0;   // along the input, padded with zeros
    int group = 0;   // inputs in a group
    int groups = 0;
    std::size_t panel_bytes = 0;
    unsigned char* data = nullptr;  // in the encoder's pages
    Buffer<float> bias;    // [panels * panel]
    Buffer<float> scales;  // [panels][groups][panel]
    Buffer<int32_t> start;  // the same shape: -128 * the sum of the group's weights, for int8
};

// The input of a linear layer, rows of activations, as the matrix's format wants them.
struct Input {
    const void* rows = nullptr;
    std::size_t stride = 0;         // bytes
    const float* scales = nullptr;  // [row][groups]
};

// What happens to a product before it is stored: plus bias, then the activation, then plus residual.
struct Epilogue {
    Activation activation = Activation::none;
    const float* residual = nullptr;
    std::size_t residual_stride = 0;  // floats
};

// One head of one sequence: `tokens` keys and values, `queries` rows that ask.
struct Attention {
    const float* q = nullptr;
    std::size_t q_stride = 0;
    const float* k = nullptr;
    const float* v = nullptr;
    std::size_t kv_stride = 0;
    float* out = nullptr;
    std::size_t out_stride = 0;
    int queries = 0, tokens = 0, width = 0;  // width: of a head
    // The bias of key j for the query at position p is relative[j - p]; null where there is none.
    const float* relative = nullptr;
    const int* positions = nullptr;  // of the queries; null: 0, 1, 2 …
    float scale = 1;
    float* scratch = nullptr;  // attention_scratch(tokens, width) floats
};

struct Kernels {
    const char* level;
    int float_panel, integer_panel, half_panel;  // columns; half 0: no fp16 arithmetic
    bool bytes;                                  // has int8 dot products
    void (*multiply)(const Matrix&, const Input&, int rows, int first_panel, int last_panel,
                     const Epilogue&, float* out, std::size_t stride);
    // Rows of floats to a matrix's input format. `out` has `stride` bytes a row.
    void (*convert)(const Matrix&, const float* rows, std::size_t row_stride, int count,
                    void* out, std::size_t stride, float* scales);
    void (*attend)(const Attention&);
    std::size_t (*attention_scratch)(int tokens, int width);
    void (*layer_norm)(float* rows, std::size_t stride, int count, int width, const float* gain,
                       const float* bias, float epsilon);
    // sum += weight * row
    void (*accumulate)(float* sum, const float* row, float weight, int width);
    void (*maximum)(float* top, const float* row, int width);
};

// Repacks weights [out, in] and bias [out] (null: none); `pages` keeps the weights.
Matrix pack(const float* weights, const float* bias, int out, int in, Format format, int panel,
            Pages& pages);

// Bytes of one row of input in the matrix's format.
std::size_t converted_bytes(const Matrix&);

// The largest magnitude of an integer format's numbers. Sums of a group's products stay in int32.
constexpr float int16_limit = 1448;  // 1448 * 1448 * int16_group < 2^31
constexpr float int8_limit = 127;
constexpr int int16_group = 1024;
constexpr int int8_group = 128;
static_assert(int16_group >= int8_group);
constexpr float integer_limit(Format format) {
    return format == Format::i8 ? int8_limit : int16_limit;
}

extern const Kernels portable_kernels;  // for tests
extern const Kernels avx2_kernels;
extern const Kernels avxvnni_kernels;
extern const Kernels avx512_kernels;
extern const Kernels avx512fp16_kernels;

}  // namespace poolwise
