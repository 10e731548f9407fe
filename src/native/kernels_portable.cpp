// Plain C++ in the shape of AVX-512 with fp16: slow, and there on every CPU, so that int8 and fp16 can be
// tried on real models where no instruction computes in them. Never chosen by itself.
#include "half.h"
#include "simd_portable.h"
#include "table.h"

namespace poolwise {
const Kernels portable_kernels = table<PortableHalf<16, 8, 3>>("portable");
}
