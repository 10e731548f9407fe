// Plain C++ with any width and tile, for tests: on every CPU it runs the kernels at the shapes of
// instruction sets that the CPU lacks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "half.h"

namespace {

template <int Width, int Rows, int Vectors>
struct Portable {
    struct F {
        float lanes[Width];
    };
    struct I {
        int32_t lanes[Width];
    };
    static constexpr int width = Width;
    static constexpr int tile_rows = Rows;
    static constexpr int tile_vectors = Vectors;

    template <class Function>
    static F generate(Function function) {
        F v;
        for (int i = 0; i < Width; ++i) v.lanes[i] = function(i);
        return v;
    }
    static F load(const float* p) {
        F v;
        std::memcpy(v.lanes, p, sizeof v.lanes);
        return v;
    }
    static void store(float* p, F v) { std::memcpy(p, v.lanes, sizeof v.lanes); }
    static F zero() { return splat(0.0f); }
    static F splat(float x) {
        return generate([&](int) { return x; });
    }
    static F broadcast(const float* p) { return splat(*p); }
    static F add(F a, F b) {
        return generate([&](int i) { return a.lanes[i] + b.lanes[i]; });
    }
    static F sub(F a, F b) {
        return generate([&](int i) { return a.lanes[i] - b.lanes[i]; });
    }
    static F mul(F a, F b) {
        return generate([&](int i) { return a.lanes[i] * b.lanes[i]; });
    }
    static F div(F a, F b) {
        return generate([&](int i) { return a.lanes[i] / b.lanes[i]; });
    }
    static F max(F a, F b) {
        return generate([&](int i) { return a.lanes[i] > b.lanes[i] ? a.lanes[i] : b.lanes[i]; });
    }
    static F min(F a, F b) {
        return generate([&](int i) { return a.lanes[i] < b.lanes[i] ? a.lanes[i] : b.lanes[i]; });
    }
    static F fma(F a, F b, F c) {
        return generate([&](int i) { return std::fma(a.lanes[i], b.lanes[i], c.lanes[i]); });
    }
    static F round(F a) {
        return generate([&](int i) { return std::nearbyint(a.lanes[i]); });
    }
    static F abs(F a) {
        return generate([&](int i) { return std::fabs(a.lanes[i]); });
    }
    static F power_of_two(F n) {
        return generate([&](int i) { return std::ldexp(1.0f, static_cast<int>(n.lanes[i])); });
    }
    static F mask_tail(F v, int count) {
        return generate([&](int i) { return i < count ? v.lanes[i] : 0.0f; });
    }

    static I zero_int() { return I{}; }
    static I load_int(const void* p) {
        I v;
        std::memcpy(v.lanes, p, sizeof v.lanes);
        return v;
    }
    static I broadcast_int(const void* p) {
        I v;
        for (int i = 0; i < Width; ++i) std::memcpy(&v.lanes[i], p, 4);
        return v;
    }
    static I sub_int(I a, I b) {
        for (int i = 0; i < Width; ++i) a.lanes[i] -= b.lanes[i];
        return a;
    }
    // The lanes of v that are above limit, as bits.
    static uint32_t above(F v, float limit) {
        uint32_t bits = 0;
        for (int i = 0; i < Width; ++i) bits |= static_cast<uint32_t>(v.lanes[i] > limit) << i;
        return bits;
    }
    // Rounded to nearest, ties to even; the values fit.
    static void store_int16(void* p, F v) { store_integers<int16_t>(p, v); }
    static void store_uint8(void* p, F v) { store_integers<uint8_t>(p, v); }
    template <class T>
    static void store_integers(void* p, F v) {
        T integers[Width];
        for (int i = 0; i < Width; ++i) integers[i] = static_cast<T>(std::nearbyint(v.lanes[i]));
        std::memcpy(p, integers, sizeof integers);
    }
    static F to_float(I v) {
        return generate([&](int i) { return static_cast<float>(v.lanes[i]); });
    }
    static I dot16(I sum, I a, I b) {
        int16_t x[2 * Width], y[2 * Width];
        std::memcpy(x, a.lanes, sizeof x);
        std::memcpy(y, b.lanes, sizeof y);
        for (int i = 0; i < Width; ++i)
            sum.lanes[i] += x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
        return sum;
    }
    static I dot8(I sum, I a, I b) {
        uint8_t x[4 * Width];
        int8_t y[4 * Width];
        std::memcpy(x, a.lanes, sizeof x);
        std::memcpy(y, b.lanes, sizeof y);
        for (int i = 0; i < 4 * Width; ++i) sum.lanes[i / 4] += x[i] * y[i];
        return sum;
    }
};

// With fp16 arithmetic: every fused multiply-add is rounded to a half.
template <int Width, int Rows, int Vectors>
struct PortableHalf : Portable<Width, Rows, Vectors> {
    using Base = Portable<Width, Rows, Vectors>;
    static constexpr int half_width = 2 * Width;
    struct H {
        uint16_t lanes[half_width];
    };

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
            c.lanes[i] = poolwise::to_half(
                std::fma(from_half(a.lanes[i]), from_half(b.lanes[i]), from_half(c.lanes[i])));
        return c;
    }
    static typename Base::F widen_low(H v) {
        return Base::generate([&](int i) { return poolwise::from_half(v.lanes[i]); });
    }
    static typename Base::F widen_high(H v) {
        return Base::generate([&](int i) { return poolwise::from_half(v.lanes[Width + i]); });
    }
};

}  // namespace
