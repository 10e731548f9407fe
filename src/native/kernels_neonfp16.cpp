// NEON with fp16 arithmetic and dot products of bytes.
#include "simd_neonfp16.h"
#include "table.h"

namespace poolwise {
const Kernels neonfp16_kernels = kernel_table<NeonFp16>("neonfp16");
}
