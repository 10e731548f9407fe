// The kernels of one instruction set: a table of functions, chosen once at run time.
#pragma once

#include "matrix.h"

namespace poolwise {

enum class Activation { none, gelu, gelu_tanh, relu, silu };

// Rows of activations in the format of the linear layer that takes them.
struct LinearInput {
    const void* rows = nullptr;
    std::size_t stride = 0;         // bytes
    const float* scales = nullptr;  // one a row of integers
};

// The steps between a product and its store: bias, then activation, then factor, then residual.
struct Epilogue {
    Activation activation = Activation::none;
    const float* factor = nullptr;  // of each element, as a gated feed-forward layer has it
    std::size_t factor_stride = 0;  // floats
    const float* residual = nullptr;
    std::size_t residual_stride = 0;  // floats
};

// What DeBERTa's attention adds to a head's scores, before their scale: the query times the key of
// the distance from query to key, and the key times its query. Far distances share rows.
struct RelativePositions {
    const float* keys = nullptr;           // [rows, width], packed in panels; null: no such term
    const float* queries = nullptr;        // [rows][width]; null: no such term
    const int* row_of_distance = nullptr;  // never falling; at 0: of a key at the query's position
    int rows = 0;
};

// One attention head of one sequence: `queries` rows attend to `tokens` keys and values.
struct AttentionHead {
    const float* q = nullptr;
    std::size_t q_stride = 0;
    const float* k = nullptr;
    const float* v = nullptr;
    std::size_t kv_stride = 0;
    float* out = nullptr;
    std::size_t out_stride = 0;
    int queries = 0, tokens = 0, width = 0;  // width: of a head
    // The bias of key j for the query at position p is relative_bias[j - p]; null where there is
    // none.
    const float* relative_bias = nullptr;
    const RelativePositions* relative = nullptr;
    const int* query_positions = nullptr;  // rising; null: 0, 1, 2 …
    // The query at position p sees the keys from p - window to p + window.
    int window = every_key;
    static constexpr int every_key = 1 << 30;
    float scale = 1;
    Format format = Format::f32;  // of the linear layers; attention follows where it can
    float* scratch = nullptr;     // attention_scratch(tokens, width, relative rows) floats
};

struct Kernels {
    const char* level;
    int panel, half_panel;  // columns; half 0: no fp16 arithmetic
    Format near, fast;  // of these precisions; f32: no faster arithmetic than exact's
    void (*multiply)(const Matrix&, const LinearInput&, int rows, int first_panel, int last_panel,
                     const Epilogue&, float* out, std::size_t stride);
    // Rows of floats to a matrix's input format. `out` has `stride` bytes a row.
    void (*convert)(const Matrix&, const float* rows, std::size_t row_stride, int count, void* out,
                    std::size_t stride, float* scales);
    void (*attend)(const AttentionHead&);
    std::size_t (*attention_scratch)(int tokens, int width, int relative_rows);
    // Both write `out`, which may be `rows` itself; rows of both have `stride` floats.
    void (*layer_norm)(const float* rows, float* out, std::size_t stride, int count, int width,
                       const float* gain, const float* bias, float epsilon);
    void (*rms_norm)(const float* rows, float* out, std::size_t stride, int count, int width,
                     const float* gain, float epsilon);
    // Rotates the heads at the beginning of each row by its position, in place.
    void (*rotate)(float* rows, std::size_t stride, int count, const int* positions,
                   const float* table, int heads, int head_width);
    // sum += weight * row
    void (*accumulate)(float* sum, const float* row, float weight, int width);
    // maximum = max(maximum, row), element by element
    void (*maximum)(float* maximum, const float* row, int width);
};

extern const Kernels portable_kernels;
extern const Kernels emulated_kernels;  // for tests
extern const Kernels neon_kernels;
extern const Kernels neonfp16_kernels;
extern const Kernels neoni8mm_kernels;
extern const Kernels avx2_kernels;
extern const Kernels avxvnni_kernels;
extern const Kernels avx512_kernels;
extern const Kernels avx512fp16_kernels;

}  // namespace poolwise
