// Int8 and fp16 on every CPU, for tests. No CPU's best, so never chosen by default.
#include "simd_emulated.h"
#include "table.h"

namespace poolwise {
const Kernels emulated_kernels = kernel_table<Emulated<16, 8, 3>>("emulated");
}
