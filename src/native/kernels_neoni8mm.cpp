// NEON with fp16 arithmetic and products of matrices of bytes.
#include "simd_neonfp16.h"
#include "table.h"

namespace poolwise {
const Kernels neoni8mm_kernels = kernel_table<NeonFp16>("neoni8mm");
}
