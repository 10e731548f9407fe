// NEON with fp16 arithmetic and products of matrices of bytes.
#include "simd_neoni8mm.h"
#include "table.h"

namespace poolwise {
const Kernels neoni8mm_kernels = kernel_table<NeonI8mm>("neoni8mm");
}
