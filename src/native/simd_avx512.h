// AVX-512 (F, BW, VL, DQ, VNNI): sixteen floats in a vector. Every simd_*.h offers the same names.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace {

struct Avx512 {
    using F = __m512;
    using I = __m512i;
    static constexpr int width = 16;
    static constexpr int tile_rows = 8;  // 8 x 3 accumulators, 3 of weights, 1 of input: 28 of 32
    static constexpr int tile_vectors = 3;

    static F load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(float* p, F v) { _mm512_storeu_ps(p, v); }
    static F zero() { return _mm512_setzero_ps(); }
    static F splat(float x) { return _mm512_set1_ps(x); }
    static F broadcast(const float* p) { return _mm512_set1_ps(*p); }
    static F add(F a, F b) { return _mm512_add_ps(a, b); }
    static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
    static F div(F a, F b) { return _mm512_div_ps(a, b); }
    static F max(F a, F b) { return _mm512_max_ps(a, b); }
    static F min(F a, F b) { return _mm512_min_ps(a, b); }
    static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
    static F round(F a) {
        return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    static F abs(F a) { return _mm512_abs_ps(a); }
    static F power_of_two(F n) {
        const I bits = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
        return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 23));
    }
    static F mask_tail(F v, int count) {
        const __mmask16 mask = count >= 16 ? 0xffff : static_cast<__mmask16>((1u << count) - 1);
        return _mm512_maskz_mov_ps(mask, v);
    }

    // p 2^n for the largest integer n that is not above `n`
    static F scale(F p, F n) { return _mm512_scalef_ps(p, n); }
    // x - the largest integer that is not above x
    static F fraction(F x) {
        return _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    }
    static float sum(F v) { return _mm512_reduce_add_ps(v); }
    static float largest(F v) { return _mm512_reduce_max_ps(v); }
    // Sixteen rows to sixteen columns.
    static void transpose(F* v) {
        F t[16];
#pragma GCC unroll 8
        for (int i = 0; i < 16; i += 2) {
            t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
            t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < 16; i += 4) {
            v[i] = pairs_low(t[i], t[i + 2]);
            v[i + 1] = pairs_high(t[i], t[i + 2]);
            v[i + 2] = pairs_low(t[i + 1], t[i + 3]);
            v[i + 3] = pairs_high(t[i + 1], t[i + 3]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) {
            const int j = i % 4 + i / 4 * 8;
            t[j] = _mm512_shuffle_f32x4(v[j], v[j + 4], 0x88);
            t[j + 4] = _mm512_shuffle_f32x4(v[j], v[j + 4], 0xdd);
        }
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) {
            v[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
            v[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        }
    }

    static I zero_int() { return _mm512_setzero_si512(); }
    static I load_int(const void* p) { return _mm512_loadu_si512(p); }
    static void store_int(void* p, I v) { _mm512_storeu_si512(p, v); }
    static I broadcast_int(const void* p) {
        return _mm512_set1_epi32(*static_cast<const int32_t*>(p));
    }
    static I sub_int(I a, I b) { return _mm512_sub_epi32(a, b); }
    static F to_float(I v) { return _mm512_cvtepi32_ps(v); }
    // The lanes of v that are above limit, as bits.
    static uint32_t above(F v, float limit) {
        return _mm512_cmp_ps_mask(v, splat(limit), _CMP_GT_OQ);
    }
    // Rounded to nearest, ties to even; the values fit.
    static void store_int16(void* p, F v) {
        _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v)));
    }
    static void store_byte(void* p, F v) {
        _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
    }
    // The int16 of a, then those of b, rounded to nearest, ties to even; the values fit.
    static I words(F a, F b) {
        const I words =
            _mm512_set_epi32(0x003e003c, 0x003a0038, 0x00360034, 0x00320030, 0x002e002c, 0x002a0028,
                             0x00260024, 0x00220020, 0x001e001c, 0x001a0018, 0x00160014, 0x00120010,
                             0x000e000c, 0x000a0008, 0x00060004, 0x00020000);
        return _mm512_permutex2var_epi16(_mm512_cvtps_epi32(a), words, _mm512_cvtps_epi32(b));
    }
    // The same, a lane's int16 of a beside its int16 of b.
    static I word_pairs(F a, F b) {
        const I high = _mm512_slli_epi32(_mm512_cvtps_epi32(b), 16);
        return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_cvtps_epi32(a), high);
    }
    // Alike four bytes.
    static I byte_fours(F a, F b, F c, F d) {
        const I odd = _mm512_slli_epi16(word_pairs(b, d), 8);
        return _mm512_mask_blend_epi8(0xaaaaaaaaaaaaaaaa, word_pairs(a, c), odd);
    }
    // In assembly, because GCC 12 copies every sum twice a step around the intrinsic.
    static I dot16(I sum, I a, I b) {
        asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
        return sum;
    }
    // Adds the products of four bytes, unsigned a and signed b, to each lane.
    static I dot8(I sum, I a, I b) {
        asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
        return sum;
    }

private:
    static F pairs_low(F a, F b) {
        return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
    }
    static F pairs_high(F a, F b) {
        return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
    }
};

}  // namespace
