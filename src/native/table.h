// Fills the table of kernels of one instruction set.
#pragma once

#include "attention.h"
#include "gemm_half.h"
#include "gemm_integer.h"

namespace {

template <class S>
constexpr bool bytes = requires(typename S::I v) { S::dot8(v, v, v); };

template <class S>
constexpr bool halves = requires { typename S::H; };

template <class S>
constexpr int half_panel() {
    if constexpr (halves<S>) return S::half_width * half_vectors;
    return 0;
}

template <class S>
void multiply(const Matrix& m, const Input& x, int rows, int first, int last, const Epilogue& e,
              float* out, std::size_t stride) {
    if (m.format == poolwise::Format::f32) return multiply_float<S>(m, x, rows, first, last, e, out, stride);
    if constexpr (halves<S>)
        if (m.format == poolwise::Format::f16)
            return multiply_half<S>(m, x, rows, first, last, e, out, stride);
    if constexpr (bytes<S>)
        if (m.format == poolwise::Format::i8)
            return multiply_integer<S, true>(m, x, rows, first, last, e, out, stride);
    multiply_integer<S, false>(m, x, rows, first, last, e, out, stride);
}

template <class S>
void convert(const Matrix& m, const float* rows, std::size_t row_stride, int count, void* out,
             std::size_t stride, float* scales) {
    if constexpr (halves<S>)
        if (m.format == poolwise::Format::f16) return convert_half(m, rows, row_stride, count, out, stride);
    convert_integer<S>(m, rows, row_stride, count, out, stride, scales);
}

template <class S>
constexpr poolwise::Kernels table(const char* level) {
    return {
        .level = level,
        .float_panel = S::width * S::tile_vectors,
        .integer_panel = S::width * integer_vectors,
        .half_panel = half_panel<S>(),
        .bytes = bytes<S>,
        .multiply = multiply<S>,
        .convert = convert<S>,
        .attend = attend<S>,
        .attention_scratch = attention_scratch<S>,
        .layer_norm = layer_norm<S>,
        .accumulate = accumulate<S>,
        .maximum = maximum<S>,
    };
}

}  // namespace
