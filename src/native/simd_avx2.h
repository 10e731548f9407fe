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

    static float sum(F v) {
        __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        half = _mm_add_ps(half, _mm_movehl_ps(half, half));
        return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
    }
    static float largest(F v) {
        __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        half = _mm_max_ps(half, _mm_movehl_ps(half, half));
        return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
    }
    // Eight rows to eight columns.
    static void transpose(F* v) {
        F t[8];
#pragma GCC unroll 4
        for (int i = 0; i < 8; i += 2) {
            t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
            t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
        }
#pragma GCC unroll 2
        for (int i = 0; i < 8; i += 4) {
            v[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
            v[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
            v[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
            v[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            t[i] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x20);
            t[i + 4] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x31);
        }
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) v[i] = t[i];
    }

    static I zero_int() { return _mm256_setzero_si256(); }
    static I load_int(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
    static I broadcast_int(const void* p) {
        return _mm256_castps_si256(_mm256_broadcast_ss(static_cast<const float*>(p)));
    }
    static I sub_int(I a, I b) { return _mm256_sub_epi32(a, b); }
    static F to_float(I v) { return _mm256_cvtepi32_ps(v); }
    // The lanes of v that are above limit, as bits.
    static uint32_t above(F v, float limit) {
        return static_cast<uint32_t>(
            _mm256_movemask_ps(_mm256_cmp_ps(v, splat(limit), _CMP_GT_OQ)));
    }
    // Eight int16 of v, rounded to nearest, ties to even.
    static __m128i words(F v) {
        const I n = _mm256_cvtps_epi32(v);
        return _mm_packs_epi32(_mm256_castsi256_si128(n), _mm256_extracti128_si256(n, 1));
    }
    static void store_int16(void* p, F v) { _mm_storeu_si128(static_cast<__m128i*>(p), words(v)); }
    static void store_byte(void* p, F v) {
        _mm_storel_epi64(static_cast<__m128i*>(p), _mm_packus_epi16(words(v), words(v)));
    }
    // Adds the products of two int16 pairs to each lane.
    static I dot16(I sum, I a, I b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
};

}  // namespace
