// NEON. Integers are pairs of int16, because the set has no dot products of bytes.
#include "simd_neon.h"
#include "table.h"

namespace poolwise {
const Kernels neon_kernels = kernel_table<Neon>("neon");
}
