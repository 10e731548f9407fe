// AVX2 + FMA + AVX-VNNI: int8 dot products in eight lanes.
#include "simd_avxvnni.h"
#include "table.h"

namespace poolwise {
const Kernels avxvnni_kernels = kernel_table<AvxVnni>("avxvnni");
}
