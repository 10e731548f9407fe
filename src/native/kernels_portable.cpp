// Vectors of 128 bits, which the compiler turns into what the target has: the last resort. x86-64 has
// 16 of them without AVX: 4 x 3 sums, 3 of weights, 1 of input.
#include "simd_portable.h"
#include "table.h"

namespace poolwise {
const Kernels portable_kernels = kernel_table<Portable<4, 4, 3>>("portable");
}
