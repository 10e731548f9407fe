// The most operations a second that registers allow: a loop over accumulators, in assembly, for
// each instruction that matrix products are made of. A multiply-add counts as two operations.
//
// Compiled by ceiling.py with this machine's compiler; an instruction is run only where the CPU has
// it. As many accumulators as hide the latency, and no memory: compilers would spill them.

#define TO_11 "0,1,2,3,4,5,6,7,8,9,10,11"
#define TO_23 TO_11 ",12,13,14,15,16,17,18,19,20,21,22,23"
#define EACH(numbers, line) ".irp n," numbers "\n" line "\n.endr\n"

#if defined(__x86_64__)

#define LOOP(prepare, body) \
    asm volatile(prepare "1:\n" body "dec %0\njnz 1b\nvzeroupper\n" : "+r"(rounds) : : REGISTERS)
#define REGISTERS                                                                                  \
    "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

// 24 accumulators of 32 registers; 12 of 16.
#define AVX512(name, instruction, operations)                           \
    extern "C" long name(long rounds) {                                 \
        const long total = rounds * 24 * operations;                    \
        LOOP(EACH(TO_23 ",24,25", "vpxord %%zmm\\n,%%zmm\\n,%%zmm\\n"), \
             EACH(TO_23, instruction " %%zmm24,%%zmm25,%%zmm\\n"));     \
        return total;                                                   \
    }
#define AVX2(name, body, operations)                 \
    extern "C" long name(long rounds) {              \
        const long total = rounds * 12 * operations; \
        LOOP("vzeroall\n", EACH(TO_11, body));       \
        return total;                                \
    }

AVX512(avx512_f32, "vfmadd231ps", 32)
AVX512(avx512_f16, "vfmadd231ph", 64)
AVX512(avx512_bf16, "vdpbf16ps", 64)
AVX512(avx512_i16, "vpdpwssd", 64)
AVX512(avx512_i8, "vpdpbusd", 128)
AVX2(avxvnni_i16, "%{vex%} vpdpwssd %%ymm12,%%ymm13,%%ymm\\n", 32)
AVX2(avxvnni_i8, "%{vex%} vpdpbusd %%ymm12,%%ymm13,%%ymm\\n", 64)
AVX2(avx2_f32, "vfmadd231ps %%ymm12,%%ymm13,%%ymm\\n", 16)
AVX2(avx2_i16, "vpmaddwd %%ymm12,%%ymm13,%%ymm14\nvpaddd %%ymm14,%%ymm\\n,%%ymm\\n", 32)

#elif defined(__aarch64__)

#define NEON(name, line, operations)                                                              \
    extern "C" long name(long rounds) {                                                           \
        const long total = rounds * 24 * operations;                                              \
        asm volatile(                                                                             \
            ".arch armv8.2-a+fp16+dotprod+i8mm\n" EACH(                                           \
                TO_23 ",24,25",                                                                   \
                "movi v\\n\\().4s, #0") "1:\n" EACH(TO_23, line) "subs %0, %0, #1\nb.ne 1b\n"     \
            : "+r"(rounds)                                                                        \
            :                                                                                     \
            : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",     \
              "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", \
              "v24", "v25");                                                                      \
        return total;                                                                             \
    }

NEON(neon_f32, "fmla v\\n\\().4s, v24.4s, v25.4s", 8)
NEON(neon_f16, "fmla v\\n\\().8h, v24.8h, v25.8h", 16)
NEON(neon_i16, "smlal v\\n\\().4s, v24.4h, v25.4h", 8)
NEON(neon_i8, "sdot v\\n\\().4s, v24.16b, v25.16b", 32)
NEON(neon_i8mm, "smmla v\\n\\().4s, v24.16b, v25.16b", 64)

#endif
