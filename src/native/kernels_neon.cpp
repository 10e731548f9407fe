// NEON. Float alone: the set's products of int16 take twice the instructions of float's.
#include "simd_neon.h"
#include "table.h"

namespace poolwise {
const Kernels neon_kernels = kernel_table<Neon>("neon");
}
