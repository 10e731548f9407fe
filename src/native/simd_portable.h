// Plain C++ with any width and tile: shows on every CPU that the kernels are right at the shapes of
// instruction sets that the CPU at hand does not have. For tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "half.h"

namespace {

template <int Width, int Rows, int Vectors>
struct Portable {
    struct F { float at[Width]; };
    struct I { int32_t at[Width]; };
    static constexpr int width = Width;
    static constexpr int tile_rows = Rows;
    static constexpr int tile_vectors = Vectors;

    template <class Make>
    static F each(Make make) {
        F v;
        for (int i = 0; i < Width; ++i) v.at[i] = make(i);
        return v;
    }
    static F load(const float* p) { F v; std::memcpy(v.at, p, sizeof v.at); return v; }
    static void store(float* p, F v) { std::memcpy(p, v.at, sizeof v.at); }
    static F zero() { return all(0.0f); }
    static F all(float x) { return each([&](int) { return x; }); }
    static F broadcast(const float* p) { return all(*p); }
    static F add(F a, F b) { return each([&](int i) { return a.at[i] + b.at[i]; }); }
    static F sub(F a, F b) { return each([&](int i) { return a.at[i] - b.at[i]; }); }
    static F mul(F a, F b) { return each([&](int i) { return a.at[i] * b.at[i]; }); }
    static F div(F a, F b) { return each([&](int i) { return a.at[i] / b.at[i]; }); }
    static F max(F a, F b) { return each([&](int i) { return a.at[i] > b.at[i] ? a.at[i] : b.at[i]; }); }
    static F min(F a, F b) { return each([&](int i) { return a.at[i] < b.at[i] ? a.at[i] : b.at[i]; }); }
    static F fma(F a, F b, F c) { return each([&](int i) { return std::fma(a.at[i], b.at[i], c.at[i]); }); }
    static F round(F a) { return each([&](int i) { return std::nearbyint(a.at[i]); }); }
    static F absolute(F a) { return each([&](int i) { return std::fabs(a.at[i]); }); }
    static F power_of_two(F n) {
        return each([&](int i) { return std::ldexp(1.0f, static_cast<int>(n.at[i])); });
    }
    static F head(F v, int count) { return each([&](int i) { return i < count ? v.at[i] : 0.0f; }); }

    static I zero_int() { return I{}; }
    static I load_int(const void* p) { I v; std::memcpy(v.at, p, sizeof v.at); return v; }
    static I broadcast_int(const void* p) {
        I v;
        for (int i = 0; i < Width; ++i) std::memcpy(&v.at[i], p, 4);
        return v;
    }
    static F to_float(I v) { return each([&](int i) { return static_cast<float>(v.at[i]); }); }
    static I dot16(I sum, I a, I b) {
        int16_t x[2 * Width], y[2 * Width];
        std::memcpy(x, a.at, sizeof x);
        std::memcpy(y, b.at, sizeof y);
        for (int i = 0; i < Width; ++i) sum.at[i] += x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
        return sum;
    }
    static I dot8(I sum, I a, I b) {
        uint8_t x[4 * Width];
        int8_t y[4 * Width];
        std::memcpy(x, a.at, sizeof x);
        std::memcpy(y, b.at, sizeof y);
        for (int i = 0; i < 4 * Width; ++i) sum.at[i / 4] += x[i] * y[i];
        return sum;
    }
};

// With fp16 arithmetic: every product and sum is rounded to a half.
template <int Width, int Rows, int Vectors>
struct PortableHalf : Portable<Width, Rows, Vectors> {
    using Base = Portable<Width, Rows, Vectors>;
    static constexpr int half_width = 2 * Width;
    struct H { uint16_t at[half_width]; };

    static H zero_half() { return H{}; }
    static H load_half(const void* p) { H v; std::memcpy(v.at, p, sizeof v.at); return v; }
    static H broadcast_pair(const void* p) {
        H v;
        for (int i = 0; i < half_width; i += 2) std::memcpy(v.at + i, p, 4);
        return v;
    }
    static H fma_half(H a, H b, H c) {
        using poolwise::from_half;
        for (int i = 0; i < half_width; ++i)
            c.at[i] = poolwise::to_half(std::fma(from_half(a.at[i]), from_half(b.at[i]), from_half(c.at[i])));
        return c;
    }
    static typename Base::F widen_low(H v) { return Base::each([&](int i) { return poolwise::from_half(v.at[i]); }); }
    static typename Base::F widen_high(H v) { return Base::each([&](int i) { return poolwise::from_half(v.at[Width + i]); }); }
};

}  // namespace
