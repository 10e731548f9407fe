// AVX2 + FMA. Integers as pairs of int16: byte products saturate in this set.
#include "simd_avx2.h"
#include "table.h"

namespace poolwise {
const Kernels avx2_kernels = table<Avx2>("avx2");
}
