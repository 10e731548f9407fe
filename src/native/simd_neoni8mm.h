// NEON with products of matrices of bytes.
#pragma once

#include "simd_neonfp16.h"

namespace {

struct NeonI8mm : NeonFp16 {
    // Two rows of eight bytes.
    static I load_pair(const void* first, const void* second) {
        return vreinterpretq_s32_u8(vcombine_u8(vld1_u8(bytes(first)), vld1_u8(bytes(second))));
    }
    // Adds the products of two rows a and two columns b, eight bytes each, to the sums: the first
    // row's, then the second's.
    static I dot_pairs(I sum, I a, I b) {
        return vmmlaq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
    }
    // From vectors of rows to vectors of two rows and two columns, and back.
    static void exchange_pairs(I& a, I& b) {
        const auto first = vreinterpretq_s64_s32(a), second = vreinterpretq_s64_s32(b);
        a = vreinterpretq_s32_s64(vzip1q_s64(first, second));
        b = vreinterpretq_s32_s64(vzip2q_s64(first, second));
    }
    // Of four columns of eight bytes the first or the last four.
    static I load_fours(const unsigned char* p, bool last) {
        const I low = load_int(p), high = load_int(p + 16);
        return last ? vuzp2q_s32(low, high) : vuzp1q_s32(low, high);
    }
};

}  // namespace
