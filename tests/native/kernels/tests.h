// What the tests of kernels share, and their names. Every set of kernels is held against double
// arithmetic, at odd shapes, and against itself: a row's bits must not depend on the rows beside
// it, nor a batch's on the number of threads.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "random_encoder.h"

namespace poolwise {

void test_products(const Kernels&, Format);
void test_same_bits(const Kernels& pairs, const Kernels& fours);
void test_epilogue(const Kernels&, Format);
void test_magnitudes(const Kernels&, Format);
void test_activations(const Kernels&);
void test_layer_norm(const Kernels&);
void test_rms_norm(const Kernels&);
void test_rotation(const Kernels&);
void test_attention(const Kernels&);
void test_forward_passes(const Kernels&, Format);

inline int failures = 0;

inline void expect(bool condition, const std::string& message) {
    if (condition) return;
    ++failures;
    std::printf("FAILED %s\n", message.c_str());
}

inline Random random_numbers{std::mt19937(1)};

inline std::vector<float> noise(std::size_t count, float deviation = 1) {
    return random_numbers.normal(count, deviation);
}

inline const char* name(Format f) {
    constexpr const char* names[] = {"f32", "f16", "i16", "i8", "i8x8"};
    return names[static_cast<int>(f)];
}

}  // namespace poolwise
