// AVX2 + FMA. Integers are pairs of int16, because byte products saturate in this set.
#include "simd_avx2.h"
#include "table.h"

namespace poolwise {
const Kernels avx2_kernels = kernel_table<Avx2>("avx2");
}
