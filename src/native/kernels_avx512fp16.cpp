// AVX-512 with VNNI and fp16 arithmetic.
#include "simd_avx512fp16.h"
#include "table.h"

namespace poolwise {
const Kernels avx512fp16_kernels = kernel_table<Avx512Fp16>("avx512fp16");
}
