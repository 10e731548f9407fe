// The table of kernels of one instruction set.
#pragma once

#include "attention_integer.h"
#include "gemm_half.h"
#include "gemm_integer.h"

namespace {

template <class S>
constexpr bool has_int8 = requires(typename S::I v) { S::dot8(v, S::broadcast_int(&v), v); };

template <class S>
constexpr bool has_half = requires { typename S::H; };

template <class S>
constexpr int half_panel() {
    if constexpr (has_half<S>) return S::half_width * half_tile_vectors;
    return 0;
}

template <class S>
void multiply(const Matrix& m, const LinearInput& input, int rows, int first_panel, int last_panel,
              const Epilogue& epilogue, float* out, std::size_t stride) {
    using poolwise::Format;
    auto* product = multiply_float<S>;
    if constexpr (has_int16<S>)
        if (m.format == Format::i16) product = multiply_integer<S, false>;
    if constexpr (has_half<S>)
        if (m.format == Format::f16) product = multiply_half<S>;
    if constexpr (has_int8<S>)
        if (m.format == byte_format<S>) product = multiply_integer<S, true>;
    product(m, input, rows, first_panel, last_panel, epilogue, out, stride);
}

template <class S>
void convert(const Matrix& m, const float* rows, std::size_t row_stride, int count, void* out,
             std::size_t stride, float* scales) {
    if constexpr (has_half<S>)
        if (m.format == poolwise::Format::f16)
            return convert_half(m, rows, row_stride, count, out, stride);
    convert_integer<S>(m, rows, row_stride, count, out, stride, scales);
}

template <class S>
constexpr bool has_integer_attention = requires(typename S::F v) { S::word_pairs(v, v); };

// Below these tokens the sums are too short to pay for integers.
constexpr int least_integer_tokens = 64;

template <class S>
void attend_in_format(const AttentionHead& a) {
    if constexpr (has_integer_attention<S>)
        if (a.format != poolwise::Format::f32 && a.tokens >= least_integer_tokens &&
            a.width <= poolwise::integer_group && a.relative == nullptr)
            return a.format == poolwise::Format::i8 ? IntegerAttention<S, true>(a).run()
                                                    : IntegerAttention<S, false>(a).run();
    attend<S>(a);
}

template <class S>
std::size_t scratch_floats(int tokens, int width, int relative_rows) {
    const std::size_t floats = attention_scratch<S>(tokens, width, relative_rows);
    if constexpr (has_integer_attention<S>)
        return std::max(floats, IntegerScratch<S>(tokens, width).size);
    return floats;
}

template <class S>
constexpr poolwise::Format int16_or_float =
    has_int16<S> ? poolwise::Format::i16 : poolwise::Format::f32;

template <class S>
constexpr poolwise::Kernels kernel_table(const char* level) {
    return {
        .level = level,
        .panel = S::width * S::tile_vectors,
        .half_panel = half_panel<S>(),
        .near = has_half<S> ? poolwise::Format::f16 : int16_or_float<S>,
        .fast = has_int8<S> ? byte_format<S> : int16_or_float<S>,
        .multiply = multiply<S>,
        .convert = convert<S>,
        .attend = attend_in_format<S>,
        .attention_scratch = scratch_floats<S>,
        .layer_norm = layer_norm<S>,
        .rms_norm = rms_norm<S>,
        .rotate = rotate<S>,
        .accumulate = accumulate<S>,
        .maximum = maximum<S>,
    };
}

}  // namespace
