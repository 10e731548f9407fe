// The kernels in the shapes of instruction sets that the CPU at hand may lack.
#include <vector>

#include "simd_emulated.h"
#include "table.h"

using namespace poolwise;

std::vector<Kernels> other_shapes() {
    return {emulated_kernels, kernel_table<Portable<8, 6, 2>>("shape of avx2"),
            kernel_table<Emulated<4, 3, 2>>("narrow"),
            kernel_table<EmulatedPairs<3, 2>>("narrow, pairs of bytes")};
}
