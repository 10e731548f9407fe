// Encoders under many threads and random requests: what the check accepts runs within its arrays
// and gives the same bits, whatever the other threads do; an exception in a helper reaches the
// caller; encoders come and go meanwhile; the process ends while threads run.
//
//     stress [rounds] [seed]
//
// Compiled with sanitizers and run by test_native_stress.py.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cpu.h"
#include "random_encoder.h"
#include "thread_pool.h"

using namespace poolwise;

namespace {

constexpr int callers = 8;
std::atomic<int> failures{0}, accepted{0}, refused{0};

void expect_true(bool condition, const char* message) {
    if (condition) return;
    ++failures;
    std::printf("FAILED %s\n", message);
}

// A number that a check might miss.
int edge_value(Random& random) {
    const int values[] = {-1,
                          0,
                          1,
                          2,
                          15,
                          16,
                          17,
                          30,
                          1 << 20,
                          std::numeric_limits<int>::max(),
                          std::numeric_limits<int>::min()};
    return values[random.below(11)];
}

Request valid_request(Random& random) {
    std::vector<int> lengths(1 + random.below(6));
    for (int& length : lengths)
        length = 1 + random.below(random.one_in(8) ? RandomEncoder::relative_span : 10);
    Request r = random_sequences(random, lengths);
    const std::size_t tokens = r.ids.size();
    r.pools = 2;
    r.weights.assign(2 * tokens, 0.5f);
    const int deepest = r.plan.deepest = random.below(RandomEncoder::depth + 1);
    r.plan.pooler = deepest == RandomEncoder::depth && random.one_in(2);
    r.plan.linear = {{random.below(deepest + 1), 0}, {deepest, 1}};
    if (random.one_in(2)) {
        r.weights.assign(2 * tokens, 0.0f);
        r.rows.emplace(r.offsets.begin(), r.offsets.end() - 1);
        for (int row : *r.rows) r.weights[tokens + row] = 1;
        if (deepest > 0) r.plan.hidden_states = {0};
    } else {
        r.plan.maxima = {{1, {{0, 0.5f}, {deepest, 0.5f}}}};
        if (deepest == 0) r.plan.maxima[0].terms.pop_back();
        r.plan.hidden_states = {deepest};
    }
    return r;
}

void corrupt(Random& random, std::vector<int>& numbers) {
    if (numbers.empty() || random.one_in(6)) return numbers.push_back(edge_value(random));
    if (random.one_in(6)) return numbers.pop_back();
    numbers[random.below(static_cast<int>(numbers.size()))] = edge_value(random);
}

void corrupt(Random& random, Request& r) {
    const auto value = [&] { return edge_value(random); };
    switch (random.below(13)) {
        case 0: return corrupt(random, r.ids);
        case 1: return corrupt(random, r.positions);
        case 2: return corrupt(random, r.offsets);
        case 3: return r.rows ? corrupt(random, *r.rows) : void(r.rows.emplace());
        case 4: r.pools = value(); return;
        case 5: r.weights.pop_back(); return;
        case 6:
            r.weights[random.below(static_cast<int>(r.weights.size()))] =
                std::numeric_limits<float>::quiet_NaN();
            return;
        case 7: r.plan.deepest = value(); return;
        case 8: r.plan.linear.push_back({value(), value()}); return;
        case 9: r.plan.maxima.push_back({value(), {{value(), 1.0f}}}); return;
        case 10: r.plan.maxima.push_back({0, {}}); return;
        case 11: r.plan.pooler = !r.plan.pooler; return;
        case 12: r.plan.hidden_states.push_back(value()); return;
    }
}

void call(const std::vector<std::unique_ptr<RandomEncoder>>& encoders, int rounds, int seed) {
    Random random{std::mt19937(seed)};
    const int first = random.below(static_cast<int>(encoders.size()));
    for (int round = 0; round < rounds; ++round) {
        const Encoder& encoder = encoders[(first + round) % encoders.size()]->encoder;
        Request request = valid_request(random);
        for (int n = random.below(3); n > 0; --n) corrupt(random, request);
        try {
            request.check(encoder);
        } catch (const std::invalid_argument&) {
            ++refused;
            continue;
        }
        ++accepted;
        const auto outputs = run(encoder, request, 1);
        expect_true(equal_bits(outputs, run(encoder, request, 1 + random.below(6))),
                    "the same bits in threads");
    }
}

std::unique_ptr<RandomEncoder> random_encoder(const Kernels& kernels, Format format, Kind kind,
                                              int seed) {
    Random random{std::mt19937(seed)};
    const Shape shape = kind == Kind::rotary ? grouped_shape(60, 3, 100) : bert_shape(60, 3, 100);
    return std::make_unique<RandomEncoder>(random, kernels, format, shape, kind);
}

constexpr Kind kinds[] = {Kind::post_norm, Kind::relative, Kind::rotary, Kind::disentangled};

// Every kind at once, and others that one more thread makes, runs and destroys.
void stress(const Kernels& kernels, Format format, int rounds, int seed) {
    std::vector<std::unique_ptr<RandomEncoder>> encoders;
    for (const Kind kind : kinds) encoders.push_back(random_encoder(kernels, format, kind, seed));
    std::vector<std::thread> threads;
    for (int c = 0; c < callers; ++c)
        threads.emplace_back(call, std::cref(encoders), 4 * rounds, seed * 100 + c);
    threads.emplace_back([&] {
        Random random{std::mt19937(seed)};
        for (int round = 0; round < rounds; ++round) {
            const Kind kind = kinds[round % 4];
            const Request request = random_sequences(random, {1, 30});
            const auto outputs = [&](int threads) {
                Request whole = request;
                whole.plan.deepest = RandomEncoder::depth;
                whole.plan.hidden_states = {1, whole.plan.deepest};
                return run(random_encoder(kernels, format, kind, seed)->encoder, whole, threads);
            };
            expect_true(equal_bits(outputs(1), outputs(3)), "the same bits of a new encoder");
        }
    });
    for (auto& thread : threads) thread.join();
    std::printf("%s done\n", kernels.level);
}

// Threads that run until the process ends.
void run_to_the_end(const Kernels& kernels) {
    const auto* const encoder = random_encoder(kernels, Format::f32, Kind::rotary, 1).release();
    for (int c = 0; c < 3; ++c)
        std::thread([encoder, c] {
            Random random{std::mt19937(c)};
            Request request = random_sequences(random, {1, 30, 5});
            request.plan.deepest = RandomEncoder::depth;
            request.plan.hidden_states = {request.plan.deepest};
            for (;;) run(encoder->encoder, request, 2);
        }).detach();
}

// No, some or all calls of the work throw: the caller gets an exception, and the pool goes on.
void test_exceptions(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        ThreadLease lease(4);
        const int count = 64, divisor = round % 5;
        std::atomic<int> finished{0};
        bool raised = false;
        try {
            lease.parallel_for(count, [&](int begin, int end, int) {
                for (int index = begin; index < end; ++index) {
                    ++finished;
                    if (divisor && index % divisor == 0) throw std::bad_alloc();
                }
            });
        } catch (const std::bad_alloc&) {
            raised = true;
        }
        expect_true(raised == (divisor != 0), "what a helper throws is raised");
        if (!lease.single_threaded())
            expect_true(finished == count, "the other indices run all the same");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 50, seed = argc > 2 ? std::atoi(argv[2]) : 1;
    std::vector<std::thread> threads;
    for (int c = 0; c < callers; ++c) threads.emplace_back(test_exceptions, 10 * rounds);
    for (auto& thread : threads) thread.join();
    std::vector<const Kernels*> all = available_kernels();
    all.push_back(&emulated_kernels);
    for (const Kernels* kernels : all)
        for (Format format : formats(*kernels)) stress(*kernels, format, rounds, seed);
    run_to_the_end(*all[0]);
    std::printf("%d ran, %d refused, %d failed\n", accepted.load(), refused.load(),
                failures.load());
    return failures != 0 || accepted == 0 || refused == 0;
}
