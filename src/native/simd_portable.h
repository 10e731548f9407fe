// GCC's and Clang's own vectors, in any width and tile: they become what the target has. At 128
// bits every CPU runs them; in the shapes of other instruction sets they test kernels that the CPU
// at hand lacks.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace {

template <class T, int Width>
struct Vector {  // apart, or GCC 12 takes the vector for a number
    using type [[gnu::vector_size(Width * sizeof(T))]] = T;
};

template <int Width, int Rows, int Vectors>
struct Portable {
    using F = typename Vector<float, Width>::type;
    using I = typename Vector<int32_t, Width>::type;
    static constexpr int width = Width;
    static constexpr int tile_rows = Rows;
    static constexpr int tile_vectors = Vectors;

    template <class V, class T>
    static V load_as(const T* p) {
        V v;
        std::memcpy(&v, p, sizeof v);
        return v;
    }
    static F load(const float* p) { return load_as<F>(p); }
    static void store(float* p, F v) { std::memcpy(p, &v, sizeof v); }
    static F zero() { return F{}; }
    static F splat(float x) { return x - F{}; }  // - 0 keeps the sign of a zero
    static F broadcast(const float* p) { return splat(*p); }
    static F add(F a, F b) { return a + b; }
    static F sub(F a, F b) { return a - b; }
    static F mul(F a, F b) { return a * b; }
    static F div(F a, F b) { return a / b; }
    static F max(F a, F b) { return a > b ? a : b; }
    static F min(F a, F b) { return a < b ? a : b; }
    // Rounded once where the target has the instruction, else twice: a library's fma takes fifty
    // times as long.
    static F fma(F a, F b, F c) {
#ifdef __FP_FAST_FMAF
        for (int i = 0; i < Width; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
        return c;
#else
        return a * b + c;
#endif
    }
    // For |a| <= 2^22: the low bits of 1.5 * 2^23 + a are the integer.
    static F round(F a) {
        const F shift = splat(12582912.0f);
        return (a + shift) - shift;
    }
    static F abs(F a) { return reinterpret<F>(reinterpret<I>(a) & 0x7fffffff); }
    static F power_of_two(F n) {
        return reinterpret<F>((__builtin_convertvector(n, I) + 127) << 23);
    }
    static F mask_tail(F v, int count) {
        I lane{};
        for (int i = 0; i < Width; ++i) lane[i] = i;
        return reinterpret<F>(reinterpret<I>(v) & (lane < count));
    }

    static I zero_int() { return I{}; }
    static I load_int(const void* p) { return load_as<I>(p); }
    static I broadcast_int(const void* p) { return load_as<int32_t>(p) - I{}; }
    static I sub_int(I a, I b) { return a - b; }
    static F to_float(I v) { return __builtin_convertvector(v, F); }
    // The lanes of v that are above limit, as bits.
    static uint32_t above(F v, float limit) {
        const I mask = v > limit;
        uint32_t bits = 0;
        for (int i = 0; i < Width; ++i) bits |= static_cast<uint32_t>(mask[i] & 1) << i;
        return bits;
    }
    // Rounded to nearest, ties to even; the values fit.
    static void store_int16(void* p, F v) { store_integers<int16_t>(p, v); }
    static void store_byte(void* p, F v) { store_integers<uint8_t>(p, v); }
    static I dot16(I sum, I a, I b) {
#ifdef __SSE2__
        if constexpr (Width == 4)
            return sum + reinterpret<I>(
                             _mm_madd_epi16(reinterpret<__m128i>(a), reinterpret<__m128i>(b)));
#endif
        return sum + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
    }

private:
    template <class T>
    static void store_integers(void* p, F v) {
        const auto integers =
            __builtin_convertvector(__builtin_convertvector(round(v), I), typename Vector<T, Width>::type);
        std::memcpy(p, &integers, sizeof integers);
    }
    template <class To, class From>
    static To reinterpret(From v) {
        return reinterpret_cast<To>(v);
    }
};

}  // namespace
