#include "cpu.h"

namespace poolwise {
namespace {

std::vector<const Kernels*> find() {
    std::vector<const Kernels*> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    [[maybe_unused]] const bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni");
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#ifdef POOLWISE_HAS_AVX512FP16
    if (avx512 && __builtin_cpu_supports("avx512fp16")) found.push_back(&avx512fp16_kernels);
#endif
#ifdef POOLWISE_HAS_AVX512
    if (avx512) found.push_back(&avx512_kernels);
#endif
#ifdef POOLWISE_HAS_AVXVNNI
    if (avx2 && __builtin_cpu_supports("avxvnni")) found.push_back(&avxvnni_kernels);
#endif
#ifdef POOLWISE_HAS_AVX2
    if (avx2) found.push_back(&avx2_kernels);
#endif
#endif
    return found;
}

}  // namespace

const std::vector<const Kernels*>& available_kernels() {
    static const std::vector<const Kernels*> found = find();
    return found;
}

}  // namespace poolwise
