// One encoder under many threads and whatever requests come: what its check lets pass runs within its
// arrays and gives the same bits, whatever the others do; what a helper throws reaches the caller.
//
//     stress [rounds] [seed]
//
// Compiled with sanitizers and run by test_native_stress.py.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cpu.h"
#include "request.h"
#include "team.h"

using namespace poolwise;

namespace {

constexpr int callers = 8;
std::atomic<int> failures{0}, ran{0}, refused{0};

void expect_true(bool holds, const char* what) {
    if (holds) return;
    ++failures;
    std::printf("FAILED %s\n", what);
}

struct Chance {
    std::mt19937 engine;
    int to(int most) { return static_cast<int>(engine() % (most + 1u)); }
    bool one_in(int n) { return to(n - 1) == 0; }
    float noise() { return std::normal_distribution<float>()(engine); }
    std::vector<float> noise(std::size_t count) {
        std::vector<float> made(count);
        for (float& x : made) x = noise();
        return made;
    }
    // A number that some reader might fall over.
    int odd() {
        const int few[] = {-1, 0, 1, 2, 15, 16, 17, 30, 1 << 20, std::numeric_limits<int>::max(),
                           std::numeric_limits<int>::min()};
        return few[to(10)];
    }
};

constexpr int vocabulary = 30, places = 48;

struct Made {
    std::vector<float> words, positions;
    Encoder encoder;

    Made(Chance& chance, const Kernels& k, Format f, int width, int heads, int inner, bool relative)
        : words(chance.noise(vocabulary * width)),
          positions(chance.noise(places * width)),
          encoder(k, {width, heads, inner, 1e-12f, Activation::gelu}) {
        const auto matrix = [&](int out, int in) {
            const auto w = chance.noise(static_cast<std::size_t>(out) * in), b = chance.noise(out);
            const int panel = f == Format::f32 ? k.float_panel : f == Format::f16 ? k.half_panel : k.integer_panel;
            return pack(w.data(), b.data(), out, in, f, panel, encoder.pages);
        };
        const auto norm = [&] {
            Norm made{Buffer<float>(width + 64), Buffer<float>(width + 64)};
            for (int i = 0; i < width; ++i) made.gain[i] = chance.noise();
            return made;
        };
        encoder.embeddings = {words.data(), positions.data(), nullptr, vocabulary, places, width, norm(), {}};
        for (int b = 0; b < 2; ++b)
            encoder.blocks.push_back({matrix(width, width), matrix(2 * width, width), matrix(width, width),
                                      matrix(inner, width), matrix(width, inner), norm(), norm()});
        encoder.pooler = matrix(width, width);
        if (!relative) return;
        encoder.reach = 40;
        encoder.relative.resize(heads * (2 * 40 - 1));
        for (std::size_t i = 0; i < encoder.relative.size(); ++i) encoder.relative[i] = chance.noise();
    }
};

Request whole(Chance& chance) {
    Request r;
    r.offsets = {0};
    for (int s = 0; s <= chance.to(5); ++s) {
        for (int t = 0; t <= chance.to(chance.one_in(8) ? 39 : 9); ++t) {
            r.ids.push_back(chance.to(vocabulary - 1));
            r.positions.push_back(t);
        }
        r.offsets.push_back(static_cast<int>(r.ids.size()));
    }
    r.pools = 2;
    r.weights.assign(2 * r.ids.size(), 0.5f);
    r.reading.deepest = chance.to(2);
    r.reading.pooler = r.reading.deepest == 2 && chance.one_in(2);
    r.reading.linear = {{chance.to(r.reading.deepest), 0}, {r.reading.deepest, 1}};
    if (chance.one_in(2)) {
        for (std::size_t t = 0; t < r.ids.size(); ++t) r.weights[t] = r.weights[r.ids.size() + t] = 0;
        r.rows.emplace(r.offsets.begin(), r.offsets.end() - 1);
        for (int row : *r.rows) r.weights[r.ids.size() + row] = 1;
    } else {
        r.reading.maxima = {{1, {{0, 0.5f}, {r.reading.deepest, 0.5f}}}};
        if (r.reading.deepest == 0) r.reading.maxima[0].terms.pop_back();
    }
    if (!r.rows) r.reading.hidden_states = {r.reading.deepest};
    else if (r.reading.deepest > 0) r.reading.hidden_states = {0};
    return r;
}

void spoil(Chance& chance, std::vector<int>& numbers) {
    if (numbers.empty() || chance.one_in(6)) return numbers.push_back(chance.odd());
    if (chance.one_in(6)) return numbers.pop_back();
    numbers[chance.to(static_cast<int>(numbers.size()) - 1)] = chance.odd();
}

void spoil(Chance& chance, Request& r) {
    switch (chance.to(12)) {
        case 0: return spoil(chance, r.ids);
        case 1: return spoil(chance, r.positions);
        case 2: return spoil(chance, r.offsets);
        case 3: if (r.rows) spoil(chance, *r.rows); else r.rows.emplace(); return;
        case 4: r.pools = chance.odd(); return;
        case 5: r.weights.pop_back(); return;
        case 6: r.weights[chance.to(static_cast<int>(r.weights.size()) - 1)] = std::numeric_limits<float>::quiet_NaN(); return;
        case 7: r.reading.deepest = chance.odd(); return;
        case 8: r.reading.linear.push_back({chance.odd(), chance.odd()}); return;
        case 9: r.reading.maxima.push_back({chance.odd(), {{chance.odd(), 1.0f}}}); return;
        case 10: r.reading.maxima.push_back({0, {}}); return;
        case 11: r.reading.pooler = !r.reading.pooler; return;
        case 12: r.reading.hidden_states.push_back(chance.odd()); return;
    }
}

std::vector<float> run(const Encoder& encoder, const Request& r, int threads) {
    const int sequences = static_cast<int>(r.offsets.size()) - 1;
    const std::size_t rows = r.reading.vectors() * sequences, stride = row_stride(encoder.shape.width);
    Buffer<float> out(rows * stride);
    std::vector<float> hidden(r.reading.hidden_states.size() * r.ids.size() * encoder.shape.width);
    encoder.run(r.batch(), r.reading_into(out.data(), hidden.data()), threads);
    std::vector<float> made = std::move(hidden);
    for (std::size_t i = 0; i < rows; ++i)
        made.insert(made.end(), out.data() + i * stride, out.data() + i * stride + encoder.shape.width);
    return made;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void call(const Encoder& encoder, int rounds, int seed) {
    Chance chance{std::mt19937(seed)};
    for (int round = 0; round < rounds; ++round) {
        Request request = whole(chance);
        for (int n = chance.to(2); n > 0; --n) spoil(chance, request);
        try {
            request.check(encoder);
        } catch (const std::invalid_argument&) {
            ++refused;
            continue;
        }
        ++ran;
        const auto alone = run(encoder, request, 1);
        expect_true(same(alone, run(encoder, request, 1 + chance.to(5))), "the same bits in threads");
    }
}

void stress(const Kernels& k, Format format, int rounds, int seed) {
    for (const bool relative : {false, true}) {
        Chance chance{std::mt19937(seed)};
        const Made made(chance, k, format, 60, 3, 100, relative);
        std::vector<std::thread> threads;
        for (int c = 0; c < callers; ++c) threads.emplace_back(call, std::cref(made.encoder), rounds, seed * 100 + c);
        for (auto& thread : threads) thread.join();
    }
    std::printf("%s done\n", k.level);
}

// One piece, some or all of them throw: the caller has it, and the team goes on.
void throwing(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        Team team(4);
        const int pieces = 64, bad = round % 5;
        std::atomic<int> done{0};
        bool raised = false;
        try {
            team.share(pieces, [&](int begin, int end, int) {
                for (int piece = begin; piece < end; ++piece) {
                    ++done;
                    if (bad && piece % bad == 0) throw std::bad_alloc();
                }
            });
        } catch (const std::bad_alloc&) {
            raised = true;
        }
        expect_true(raised == (bad != 0), "what a helper throws is raised");
        if (!team.alone()) expect_true(done == pieces, "the other pieces are done all the same");
    }
}

}  // namespace

int main(int count, char** values) {
    const int rounds = count > 1 ? std::atoi(values[1]) : 50, seed = count > 2 ? std::atoi(values[2]) : 1;
    std::vector<std::thread> threads;
    for (int c = 0; c < callers; ++c) threads.emplace_back(throwing, 10 * rounds);
    for (auto& thread : threads) thread.join();
    std::vector<const Kernels*> all = available_kernels();
    all.push_back(&portable_kernels);
    for (const Kernels* k : all) {
        std::vector<Format> formats{Format::f32, Format::i16};
        if (k->bytes) formats.push_back(Format::i8);
        if (k->half_panel) formats.push_back(Format::f16);
        for (Format f : formats) stress(*k, f, rounds, seed);
    }
    std::printf("%d ran, %d refused, %d failed\n", ran.load(), refused.load(), failures.load());
    return failures != 0 || ran == 0 || refused == 0;
}
