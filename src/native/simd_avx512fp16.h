// AVX-512 with fp16 arithmetic: thirty-two halves in a vector.
#pragma once

#include "simd_avx512.h"

namespace {

struct Avx512Fp16 : Avx512 {
    using H = __m512h;
    static constexpr int half_width = 32;

    static H zero_half() { return _mm512_setzero_ph(); }
    static H load_half(const void* p) { return _mm512_loadu_ph(p); }
    // Broadcasts a pair of equal halves: broadcasting 16 bits would occupy an FMA port.
    static H broadcast_pair(const void* p) {
        return _mm512_castsi512_ph(_mm512_set1_epi32(*static_cast<const int32_t*>(p)));
    }
    static H fma_half(H a, H b, H c) { return _mm512_fmadd_ph(a, b, c); }
    static F widen_low(H v) { return _mm512_cvtxph_ps(_mm512_castph512_ph256(v)); }
    static F widen_high(H v) {
        const __m512i bits = _mm512_castph_si512(v);
        return _mm512_cvtxph_ps(_mm256_castsi256_ph(_mm512_extracti64x4_epi64(bits, 1)));
    }
};

}  // namespace
