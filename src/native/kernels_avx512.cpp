// AVX-512 with VNNI: int8 dot products in sixteen lanes.
#include "simd_avx512.h"
#include "table.h"

namespace poolwise {
const Kernels avx512_kernels = kernel_table<Avx512>("avx512");
}
