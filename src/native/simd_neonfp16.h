// NEON of ARMv8.2 with its two extensions: arithmetic in fp16, eight halves in a vector, and dot
// products of bytes.
#pragma once

#include "simd_neon.h"

namespace {

struct NeonFp16 : Neon {
    using H = float16x8_t;
    static constexpr int half_width = 8;

    static H zero_half() { return vdupq_n_f16(0); }
    static H load_half(const void* p) { return vreinterpretq_f16_u8(vld1q_u8(bytes(p))); }
    static H broadcast_pair(const void* p) { return vreinterpretq_f16_s32(broadcast_int(p)); }
    static H fma_half(H a, H b, H c) { return vfmaq_f16(c, a, b); }
    static F widen_low(H v) { return vcvt_f32_f16(vget_low_f16(v)); }
    static F widen_high(H v) { return vcvt_high_f32_f16(v); }

    // The instruction takes signed bytes on both sides, so that inputs have their zero at 0.
    static constexpr int byte_zero = 0;
    static I dot8(I sum, I a, I b) {
        return vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
    }
};

}  // namespace
