// NEON, which every 64-bit ARM CPU has: four floats in a vector. Every simd_*.h offers the same
// names.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace {

struct Neon {
    using F = float32x4_t;
    using I = int32x4_t;
    static constexpr int width = 4;
    static constexpr int tile_rows = 6;  // 6 x 3 accumulators, 3 of weights, 6 of inputs: 27 of 32
    static constexpr int tile_vectors = 3;

    static F load(const float* p) { return vld1q_f32(p); }
    static void store(float* p, F v) { vst1q_f32(p, v); }
    static F zero() { return vdupq_n_f32(0); }
    static F splat(float x) { return vdupq_n_f32(x); }
    static F broadcast(const float* p) { return vld1q_dup_f32(p); }
    static F add(F a, F b) { return vaddq_f32(a, b); }
    static F sub(F a, F b) { return vsubq_f32(a, b); }
    static F mul(F a, F b) { return vmulq_f32(a, b); }
    static F div(F a, F b) { return vdivq_f32(a, b); }
    static F max(F a, F b) { return vmaxq_f32(a, b); }
    static F min(F a, F b) { return vminq_f32(a, b); }
    static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
    static F round(F a) { return vrndnq_f32(a); }
    static F abs(F a) { return vabsq_f32(a); }
    // 2^n for integers n in [-126, 127].
    static F power_of_two(F n) {
        return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
    }
    // Keeps the first `count` lanes of v and zeroes the others.
    static F mask_tail(F v, int count) {
        static constexpr int32_t lane[4] = {0, 1, 2, 3};
        const uint32x4_t mask = vcltq_s32(vld1q_s32(lane), vdupq_n_s32(count));
        return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), mask));
    }

    static float sum(F v) { return vaddvq_f32(v); }  // (v0 + v1) + (v2 + v3)
    static float largest(F v) { return vmaxvq_f32(v); }
    // Four rows to four columns.
    static void transpose(F* v) {
        const F even = vtrn1q_f32(v[0], v[1]), odd = vtrn2q_f32(v[0], v[1]);
        const F next_even = vtrn1q_f32(v[2], v[3]), next_odd = vtrn2q_f32(v[2], v[3]);
        v[0] = pairs_low(even, next_even);
        v[1] = pairs_low(odd, next_odd);
        v[2] = pairs_high(even, next_even);
        v[3] = pairs_high(odd, next_odd);
    }

    static I zero_int() { return vdupq_n_s32(0); }
    static I load_int(const void* p) { return vreinterpretq_s32_u8(vld1q_u8(bytes(p))); }
    static I sub_int(I a, I b) { return vsubq_s32(a, b); }
    static F to_float(I v) { return vcvtq_f32_s32(v); }
    // The lanes of v that are above limit, as bits.
    static uint32_t above(F v, float limit) {
        static constexpr uint32_t bit[4] = {1, 2, 4, 8};
        return vaddvq_u32(vandq_u32(vcgtq_f32(v, splat(limit)), vld1q_u32(bit)));
    }
    // Rounded to nearest, ties to even; the values fit.
    static void store_byte(void* p, F v) {
        const int16x4_t words = vmovn_s32(vcvtnq_s32_f32(v));
        const int8x8_t integers = vmovn_s16(vcombine_s16(words, words));
        vst1_lane_s32(static_cast<int32_t*>(p), vreinterpret_s32_s8(integers), 0);
    }

protected:
    static const uint8_t* bytes(const void* p) { return static_cast<const uint8_t*>(p); }

private:
    static F pairs_low(F a, F b) {
        return vreinterpretq_f32_f64(
            vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
    }
    static F pairs_high(F a, F b) {
        return vreinterpretq_f32_f64(
            vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
    }
};

}  // namespace
