// Conversions of IEEE half precision, in plain C++ where the CPU has no instructions for them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace poolwise {
namespace {

// Rounds to nearest, ties to even; beyond 65504 infinity.
[[maybe_unused]] inline uint16_t to_half(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    const float magnitude = std::fabs(x);
    if (std::isnan(x)) return sign | 0x7e00;
    if (magnitude >= 65520.0f) return sign | 0x7c00;
    if (magnitude < 6.103515625e-05f)  // below 2^-14 halves are evenly spaced by 2^-24
        return sign | static_cast<uint16_t>(std::nearbyint(magnitude * 16777216.0f));
    uint32_t m;
    std::memcpy(&m, &magnitude, 4);
    m += 0xfff + (m >> 13 & 1);
    return sign | static_cast<uint16_t>((m >> 13) - (112 << 10));
}

// The bits of x in half precision, by the CPU's conversion where the file is compiled for it.
[[maybe_unused]] inline uint32_t half_bits(float x) {
#if defined(__AVX512FP16__)
    const _Float16 h = static_cast<_Float16>(x);
#elif defined(__aarch64__)
    const __fp16 h = static_cast<__fp16>(x);
#endif
#if defined(__AVX512FP16__) || defined(__aarch64__)
    uint16_t bits;
    std::memcpy(&bits, &h, 2);
    return bits;
#else
    return to_half(x);
#endif
}

[[maybe_unused]] inline float from_half(uint16_t h) {
    const float sign = h & 0x8000 ? -1.0f : 1.0f;
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31) return fraction ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
    return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

}  // namespace
}  // namespace poolwise
