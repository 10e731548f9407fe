// AVX2 + FMA: eight floats in a vector. Every simd_*.h offers the same names.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace {

struct Avx2 {
    using F = __m256;
    using I = __m256i;
    static constexpr int width = 8;
    static constexpr int tile_rows = 6;  // 6 x 2 accumulators, 2 of weights, 1 of input: 15 of 16
    static constexpr int tile_vectors = 2;

    static F load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(float* p, F v) { _mm256_storeu_ps(p, v); }
    static F zero() { return _mm256_setzero_ps(); }
    static F splat(float x) { return _mm256_set1_ps(x); }
    static F broadcast(const float* p) { return _mm256_broadcast_ss(p); }
    static F add(F a, F b) { return _mm256_add_ps(a, b); }
    static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
    static F div(F a, F b) { return _mm256_div_ps(a, b); }
    static F max(F a, F b) { return _mm256_max_ps(a, b); }
    static F min(F a, F b) { return _mm256_min_ps(a, b); }
    static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
    static F round(F a) {
        return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    static F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
    // 2^n for integers n in [-126, 127].
    static F power_of_two(F n) {
        const I bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
        return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
    }
    // Keeps the first `count` lanes of v and zeroes the others.
    static F mask_tail(F v, int count) {
        const I lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        return _mm256_and_ps(
            v, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane)));
    }

    static I zero_int() { return _mm256_setzero_si256(); }
    static I load_int(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
    static I broadcast_int(const void* p) {
        return _mm256_castps_si256(_mm256_broadcast_ss(static_cast<const float*>(p)));
    }
    static F to_float(I v) { return _mm256_cvtepi32_ps(v); }
    // Adds the products of two int16 pairs to each lane.
    static I dot16(I sum, I a, I b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
};

}  // namespace
