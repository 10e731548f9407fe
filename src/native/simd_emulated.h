// Bytes and fp16 in any shape on every CPU, for tests: slow.
#pragma once

#include "half.h"
#include "simd_portable.h"

namespace {

// dot8 takes unsigned a and signed b. Every multiply-add of halves is rounded to a half; the
// product of two halves is exact in float32.
template <int Width, int Rows, int Vectors>
struct Emulated : Portable<Width, Rows, Vectors> {
    using Base = Portable<Width, Rows, Vectors>;
    using typename Base::F, typename Base::I;
    static constexpr int half_width = 2 * Width;
    struct H {
        uint16_t lanes[half_width];
    };

    static I dot8(I sum, I a, I b) {
        for (int shift = 0; shift < 32; shift += 8)
            sum += (a >> shift & 255) * (b << (24 - shift) >> 24);
        return sum;
    }

    static void store_int(void* p, I v) { std::memcpy(p, &v, sizeof v); }
    // The int16 of a, then those of b, rounded to nearest, ties to even; the values fit.
    static I words(F a, F b) {
        int16_t lanes[2 * Width];
        Base::store_int16(lanes, a);
        Base::store_int16(lanes + Width, b);
        return Base::load_int(lanes);
    }
    // The same, a lane's int16 of a beside its int16 of b.
    static I word_pairs(F a, F b) {
        int16_t low[Width], high[Width];
        Base::store_int16(low, a);
        Base::store_int16(high, b);
        I v;
        for (int i = 0; i < Width; ++i) v[i] = (low[i] & 0xffff) | high[i] << 16;
        return v;
    }

    // Alike four bytes.
    static I byte_fours(F a, F b, F c, F d) {
        return (word_pairs(a, c) & 0x00ff00ff) | (word_pairs(b, d) & 0x00ff00ff) << 8;
    }

    static H zero_half() { return H{}; }
    static H load_half(const void* p) {
        H v;
        std::memcpy(v.lanes, p, sizeof v.lanes);
        return v;
    }
    static H broadcast_pair(const void* p) {
        H v;
        for (int i = 0; i < half_width; i += 2) std::memcpy(v.lanes + i, p, 4);
        return v;
    }
    static H fma_half(H a, H b, H c) {
        using poolwise::from_half;
        for (int i = 0; i < half_width; ++i)
            c.lanes[i] = poolwise::to_half(from_half(a.lanes[i]) * from_half(b.lanes[i]) +
                                           from_half(c.lanes[i]));
        return c;
    }
    static F widen(const uint16_t* halves) {
        F v;
        for (int i = 0; i < Width; ++i) v[i] = poolwise::from_half(halves[i]);
        return v;
    }
    static F widen_low(H v) { return widen(v.lanes); }
    static F widen_high(H v) { return widen(v.lanes + Width); }
};

// With products of matrices of bytes: of two rows a and two columns b in four lanes.
template <int Rows, int Vectors>
struct EmulatedPairs : Emulated<4, Rows, Vectors> {
    using typename Emulated<4, Rows, Vectors>::I;

    static I load_pair(const void* first, const void* second) {
        I v;
        std::memcpy(&v, first, 8);
        std::memcpy(reinterpret_cast<char*>(&v) + 8, second, 8);
        return v;
    }
    static I dot_pairs(I sum, I a, I b) {
        sum = EmulatedPairs::dot8(sum, I{a[0], a[0], a[2], a[2]}, I{b[0], b[2], b[0], b[2]});
        return EmulatedPairs::dot8(sum, I{a[1], a[1], a[3], a[3]}, I{b[1], b[3], b[1], b[3]});
    }
    static void exchange_pairs(I& a, I& b) {
        const I first = a, second = b;
        a = I{first[0], first[1], second[0], second[1]};
        b = I{first[2], first[3], second[2], second[3]};
    }
    static I load_fours(const unsigned char* p, bool last) {
        const I low = EmulatedPairs::load_int(p), high = EmulatedPairs::load_int(p + 16);
        return last ? I{low[1], low[3], high[1], high[3]} : I{low[0], low[2], high[0], high[2]};
    }
};

}  // namespace
