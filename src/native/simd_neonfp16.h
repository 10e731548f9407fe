// NEON of ARMv8.2 with its two extensions: arithmetic in fp16, eight halves in a vector, and dot
// products of bytes.
#pragma once

#include <cstring>

#include "simd_neon.h"

namespace {

struct NeonFp16 : Neon {
    using H = float16x8_t;
    static constexpr int half_width = 8;

    static H zero_half() { return vdupq_n_f16(0); }
    static H load_half(const void* p) { return vreinterpretq_f16_u8(vld1q_u8(bytes(p))); }
    // Both products take one lane of `a`: a load into all lanes would cost arithmetic.
    static float16x4_t broadcast_pair(const void* p) { return vreinterpret_f16_f32(lane(p)); }
    static H fma_half(float16x4_t a, H b, H c) { return vfmaq_lane_f16(c, b, a, 0); }
    static F widen_low(H v) { return vcvt_f32_f16(vget_low_f16(v)); }
    static F widen_high(H v) { return vcvt_high_f32_f16(v); }

    // The instruction takes signed bytes on both sides, so that inputs have their zero at 0.
    static constexpr int byte_zero = 0;
    static int8x8_t broadcast_int(const void* p) { return vreinterpret_s8_f32(lane(p)); }
    static I dot8(I sum, int8x8_t a, I b) {
        return vdotq_lane_s32(sum, vreinterpretq_s8_s32(b), a, 0);
    }

private:
    static float32x2_t lane(const void* p) {
        float x;
        std::memcpy(&x, p, sizeof x);
        return vset_lane_f32(x, vdup_n_f32(0), 0);
    }
};

}  // namespace
