#include "cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace poolwise {
namespace {

#if defined(__x86_64__)

// Bits of CPUID's leaf 7 for what not every compiler's __builtin_cpu_supports knows.
struct X86Extensions {
    bool avx512fp16 = false, avxvnni = false;
};

X86Extensions x86_extensions() {
    X86Extensions extensions;
    unsigned last = 0, a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &last, &b, &c, &d)) return extensions;
    extensions.avx512fp16 = d >> 23 & 1;
    if (last >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) extensions.avxvnni = a >> 4 & 1;
    return extensions;
}

// Those of the CPU's instruction sets.
void add_native(std::vector<const Kernels*>& kernels) {
    __builtin_cpu_init();
    [[maybe_unused]] const X86Extensions extensions = x86_extensions();
    [[maybe_unused]] const bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni");
    [[maybe_unused]] const bool avx2 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#ifdef POOLWISE_HAS_AVX512FP16
    if (avx512 && extensions.avx512fp16) kernels.push_back(&avx512fp16_kernels);
#endif
#ifdef POOLWISE_HAS_AVX512
    if (avx512) kernels.push_back(&avx512_kernels);
#endif
#ifdef POOLWISE_HAS_AVXVNNI
    if (avx2 && extensions.avxvnni) kernels.push_back(&avxvnni_kernels);
#endif
#ifdef POOLWISE_HAS_AVX2
    if (avx2) kernels.push_back(&avx2_kernels);
#endif
}

#elif defined(__aarch64__)

struct ArmExtensions {
    bool fp16_and_dotprod = false, i8mm = false;
};

ArmExtensions arm_extensions() {
#if defined(__linux__)
    // HWCAP_ASIMDHP and HWCAP_ASIMDDP, HWCAP2_I8MM, by value: old headers lack the names.
    constexpr unsigned long both = 1ul << 10 | 1ul << 20;
    return {(getauxval(AT_HWCAP) & both) == both, (getauxval(AT_HWCAP2) & 1ul << 13) != 0};
#elif defined(__APPLE__)
    // Every Mac has the first two.
    int i8mm = 0;
    std::size_t size = sizeof i8mm;
    sysctlbyname("hw.optional.arm.FEAT_I8MM", &i8mm, &size, nullptr, 0);
    return {true, i8mm != 0};
#else
    return {};
#endif
}

void add_native(std::vector<const Kernels*>& kernels) {
    [[maybe_unused]] const ArmExtensions cpu = arm_extensions();
#ifdef POOLWISE_HAS_NEONI8MM
    if (cpu.fp16_and_dotprod && cpu.i8mm) kernels.push_back(&neoni8mm_kernels);
#endif
#ifdef POOLWISE_HAS_NEONFP16
    if (cpu.fp16_and_dotprod) kernels.push_back(&neonfp16_kernels);
#endif
#ifdef POOLWISE_HAS_NEON
    kernels.push_back(&neon_kernels);
#endif
}

#else

void add_native(std::vector<const Kernels*>&) {}

#endif

std::vector<const Kernels*> supported_kernels() {
    std::vector<const Kernels*> kernels;
    add_native(kernels);
    kernels.push_back(&portable_kernels);
    return kernels;
}

}  // namespace

const std::vector<const Kernels*>& available_kernels() {
    static const std::vector<const Kernels*> kernels = supported_kernels();
    return kernels;
}

}  // namespace poolwise
