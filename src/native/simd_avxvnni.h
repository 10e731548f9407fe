// AVX2 with the integer dot products of AVX-VNNI.
#pragma once

#include "simd_avx2.h"

namespace {

struct AvxVnni : Avx2 {
    // In assembly, because GCC 12 copies every sum twice a step around the intrinsic.
    static I dot16(I sum, I a, I b) {
        asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
        return sum;
    }
    // Adds the products of four bytes, unsigned a and signed b, to each lane.
    static I dot8(I sum, I a, I b) {
        asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
        return sum;
    }
};

}  // namespace
