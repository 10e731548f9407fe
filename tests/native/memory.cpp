// A forward pass with every allocation failing in turn: the caller gets std::bad_alloc, helper
// threads allocate nothing, and a later pass gives the same bits. Compiled and run by
// test_native_programs.py, with the address and undefined-behaviour sanitizers.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "cpu.h"
#include "random_encoder.h"

namespace {

thread_local bool in_caller = false;
std::atomic<bool> counting{false};
std::atomic<int> allocations{0}, failing_allocation{0}, helper_allocations{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (counting) {
        if (!in_caller) ++helper_allocations;
        if (++allocations == failing_allocation) throw std::bad_alloc();
    }
    void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) {
    return allocate(bytes, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

using namespace poolwise;

namespace {

int failures = 0;

void expect(bool condition, const char* level, const char* message) {
    if (condition) return;
    ++failures;
    std::printf("FAILED %s: %s\n", level, message);
}

// Every kind of output; with `rows`, of the first tokens alone.
Request request_for(Random& random, bool rows) {
    Request request = random_sequences(random, {3, 20, 1, 17});
    const std::size_t tokens = request.ids.size();
    OutputPlan& plan = request.plan;
    request.pools = 2;
    request.weights.assign(2 * tokens, 0.5f);
    plan.deepest = RandomEncoder::depth;
    plan.linear = {{1, 0}};
    plan.pooler = true;
    plan.maxima = {{0, {{0, 0.5f}, {1, 0.5f}}}};
    plan.hidden_states = {0, 1};
    if (rows) request.rows.emplace(request.offsets.begin(), request.offsets.end() - 1);
    return request;
}

// The outputs with allocation number `failing` failing; empty where it was needed.
std::vector<float> run_with_failure(const Encoder& encoder, const Request& request, int failing) {
    const Batch batch = request.batch();
    const std::size_t width = encoder.shape.width, stride = row_stride(encoder.shape.width);
    const std::size_t rows = request.plan.vectors() * batch.sequences;
    Buffer<float> out(rows * stride);
    std::vector<float> hidden(request.plan.hidden_states.size() * batch.tokens() * width);
    const OutputPlan plan = request.outputs_into(out.data(), hidden.data());
    allocations = 0;
    failing_allocation = failing;
    counting = true;
    try {
        encoder.run(batch, plan, 4);
        counting = false;
    } catch (const std::bad_alloc&) {
        counting = false;
        return {};
    }
    return run(encoder, request, 4);
}

void test(const Kernels& kernels, Format format, Kind kind, bool rows) {
    const Shape shape = kind == Kind::rotary ? grouped_shape(24, 3, 40) : bert_shape(24, 3, 40);
    Random same{std::mt19937(1)}, random{std::mt19937(1)}, sentences{std::mt19937(2)};
    const RandomEncoder reference(same, kernels, format, shape, kind);
    const RandomEncoder tested(random, kernels, format, shape, kind);
    const Request request = request_for(sentences, rows);
    request.check(reference.encoder);
    const std::vector<float> expected = run(reference.encoder, request, 4);  // starts the helpers
    int failing =
        1;  // after a failure the encoder keeps no workspace: the next run allocates it anew
    std::vector<float> outputs;
    while (outputs.empty()) outputs = run_with_failure(tested.encoder, request, failing++);
    expect(failing > 15, kernels.level, "too few allocations failed");
    expect(equal_bits(outputs, expected), kernels.level, "other bits after failures");
}

}  // namespace

int main() {
    in_caller = true;
    std::vector<const Kernels*> all = available_kernels();
    all.push_back(&emulated_kernels);
    for (const Kernels* kernels : all)
        for (Format format : formats(*kernels))
            for (Kind kind : {Kind::relative, Kind::rotary, Kind::disentangled})
                for (bool rows : {false, true}) test(*kernels, format, kind, rows);
    expect(helper_allocations == 0, "all", "a helper thread allocates memory");
    std::printf("%d failed\n", failures);
    return failures != 0;
}
