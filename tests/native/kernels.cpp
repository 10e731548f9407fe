// The tests of the kernels, on every level. Compiled with the files in kernels/ and run by
// test_native_programs.py, with the address and undefined-behaviour sanitizers.
#include <set>

#include "cpu.h"
#include "kernels/tests.h"

using namespace poolwise;

// Of instruction sets that this CPU may lack; linked where they are to be tested.
[[gnu::weak]] std::vector<Kernels> other_shapes();

namespace {

void test(const Kernels& k) {
    for (Format format : formats(k)) {
        test_products(k, format);
        test_magnitudes(k, format);
        test_epilogue(k, format);
        test_forward_passes(k, format);
    }
    test_activations(k);
    test_layer_norm(k);
    test_rms_norm(k);
    test_rotation(k);
    test_attention(k);
    std::printf("%s done\n", k.level);
}

// Kernels of either kind with the same panels are of one instruction set and its extension.
void test_same_bits(const std::vector<Kernels>& kernels) {
    for (const Kernels& pairs : kernels)
        for (const Kernels& fours : kernels)
            if (pairs.fast == Format::i8x8 && fours.fast == Format::i8 &&
                pairs.panel == fours.panel)
                test_same_bits(pairs, fours);
}

}  // namespace

// Tests the levels that are named, by default all of this CPU and every other shape that is linked.
int main(int count, char** names) {
    const std::set<std::string> wanted(names + 1, names + count);
    std::printf("best %s\n", available_kernels()[0]->level);
    std::vector<Kernels> kernels;
    for (const Kernels* k : available_kernels()) kernels.push_back(*k);
    if (other_shapes != nullptr)
        for (const Kernels& k : other_shapes()) kernels.push_back(k);
    for (const Kernels& k : kernels)
        if (wanted.empty() || wanted.count(k.level)) test(k);
    test_same_bits(kernels);
    std::printf("%d failed\n", failures);
    return failures != 0;
}
