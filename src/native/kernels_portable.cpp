// Plain C++ in the shape of AVX-512 with fp16: slow, but it runs int8 and fp16 on every CPU, for
// tests on real models. Never chosen by default.
#include "half.h"
#include "simd_portable.h"
#include "table.h"

namespace poolwise {
const Kernels portable_kernels = kernel_table<PortableHalf<16, 8, 3>>("portable");
}
