#include "cpu.h"

namespace poolwise {
namespace {

std::vector<const Kernels*> supported_kernels() {
    std::vector<const Kernels*> kernels;
#if defined(__x86_64__)
    __builtin_cpu_init();
    [[maybe_unused]] const bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni");
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#ifdef POOLWISE_HAS_AVX512FP16
    if (avx512 && __builtin_cpu_supports("avx512fp16")) kernels.push_back(&avx512fp16_kernels);
#endif
#ifdef POOLWISE_HAS_AVX512
    if (avx512) kernels.push_back(&avx512_kernels);
#endif
#ifdef POOLWISE_HAS_AVXVNNI
    if (avx2 && __builtin_cpu_supports("avxvnni")) kernels.push_back(&avxvnni_kernels);
#endif
#ifdef POOLWISE_HAS_AVX2
    if (avx2) kernels.push_back(&avx2_kernels);
#endif
#endif
    return kernels;
}

}  // namespace

const std::vector<const Kernels*>& available_kernels() {
    static const std::vector<const Kernels*> kernels = supported_kernels();
    return kernels;
}

}  // namespace poolwise
