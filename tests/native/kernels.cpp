// Every set of kernels against plain double arithmetic, at odd shapes, and against itself: a row's bits
// must not depend on the rows beside it, nor a batch's on the number of threads. Compiled and run by
// test_native_kernels.py, with the address and undefined-behaviour sanitizers.
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "cpu.h"
#include "encoder.h"
#include "simd_portable.h"
#include "table.h"

using namespace poolwise;

namespace {

int failures = 0;

void expect(bool holds, const std::string& what) {
    if (holds) return;
    ++failures;
    std::printf("FAILED %s\n", what.c_str());
}

std::mt19937 chance(1);

std::vector<float> noise(std::size_t count, float scale = 1) {
    std::normal_distribution<float> normal(0, scale);
    std::vector<float> made(count);
    for (float& x : made) x = normal(chance);
    return made;
}

double reference(Activation kind, double x) {
    switch (kind) {
        case Activation::gelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
        case Activation::gelu_tanh:
            return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        case Activation::relu: return x > 0 ? x : 0;
        case Activation::silu: return x / (1 + std::exp(-x));
        default: return x;
    }
}

const char* name(Format f) {
    return f == Format::f32 ? "f32" : f == Format::f16 ? "f16" : f == Format::i16 ? "i16" : "i8";
}

// Relative to the size of the sums: what a format's rounding may cost.
double tolerance(Format f) {
    return f == Format::f32 ? 2e-6 : f == Format::f16 ? 4e-3 : f == Format::i16 ? 2e-3 : 2e-2;
}

std::vector<float> product(const Kernels& k, const Matrix& m, const std::vector<float>& x, int from,
                           int rows, const Epilogue& e) {
    const std::size_t stride = row_stride(m.out), bytes = converted_bytes(m);
    Buffer<float> in(rows * row_stride(m.in)), out(rows * stride), scales(rows * std::max(m.groups, 1));
    Buffer<unsigned char> converted(rows * bytes);
    for (int r = 0; r < rows; ++r)
        std::copy_n(x.data() + (from + r) * m.in, m.in, in.data() + r * row_stride(m.in));
    Input input{in.data(), row_stride(m.in) * sizeof(float), nullptr};
    if (m.format != Format::f32) {
        k.convert(m, in.data(), row_stride(m.in), rows, converted.data(), bytes, scales.data());
        input = {converted.data(), bytes, scales.data()};
    }
    k.multiply(m, input, rows, 0, m.panels, e, out.data(), stride);
    std::vector<float> made;
    for (int r = 0; r < rows; ++r) made.insert(made.end(), out.data() + r * stride, out.data() + r * stride + m.out);
    return made;
}

void test_products(const Kernels& k, Format format, int panel) {
    const int shapes[][3] = {{1, 1, 1},    {1, 25, 7},   {3, 33, 5},    {7, 16, 16},  {13, 50, 64},
                             {5, 96, 130}, {2, 17, 515}, {29, 70, 257}, {6, 48, 1100}};
    for (const auto& [rows, out, in] : shapes) {
        const auto w = noise(static_cast<std::size_t>(out) * in, 0.1f), b = noise(out);
        const auto x = noise(static_cast<std::size_t>(rows) * in);
        Pages pages;
        const Matrix m = pack(w.data(), b.data(), out, in, format, panel, pages);
        const auto made = product(k, m, x, 0, rows, {});
        const std::string what = std::string(k.level) + " " + name(format) + " " + std::to_string(rows) +
                                 "x" + std::to_string(in) + "x" + std::to_string(out);
        for (int r = 0; r < rows; ++r)
            for (int o = 0; o < out; ++o) {
                double sum = b[o], size = 0;
                for (int i = 0; i < in; ++i) {
                    const double p = static_cast<double>(x[r * in + i]) * w[o * in + i];
                    sum += p;
                    size += p * p;
                }
                const double error = std::fabs(made[r * out + o] - sum);
                if (error > tolerance(format) * (1 + 4 * std::sqrt(size)))
                    return expect(false, what + " is off by " + std::to_string(error));
            }
        for (int r = 0; r < rows; ++r) {
            const auto alone = product(k, m, x, r, 1, {});
            expect(std::equal(alone.begin(), alone.end(), made.begin() + r * out), what + " alone");
        }
    }
}

void test_activations(const Kernels& k) {
    constexpr int in = 1, out = 2001;
    std::vector<float> w(out), b(out, 0.0f), one{1.0f};
    for (int i = 0; i < out; ++i) w[i] = (i - 1000) * 0.012f;
    Pages pages;
    const Matrix m = pack(w.data(), b.data(), out, in, Format::f32, k.float_panel, pages);
    for (Activation kind : {Activation::gelu, Activation::gelu_tanh, Activation::relu, Activation::silu}) {
        const auto made = product(k, m, one, 0, 1, {.activation = kind});
        double worst = 0;
        for (int i = 0; i < out; ++i) worst = std::max(worst, std::fabs(made[i] - reference(kind, w[i])) / (1 + std::fabs(w[i])));
        expect(worst < 5e-7, std::string(k.level) + " activation off by " + std::to_string(worst));
    }
}

void test_layer_norm(const Kernels& k) {
    for (int width : {1, 7, 16, 33, 384, 770}) {
        const std::size_t stride = row_stride(width);
        Buffer<float> rows(3 * stride), gain(width + 64), bias(width + 64);
        const auto x = noise(3 * width, 3), g = noise(width), b = noise(width);
        std::copy(g.begin(), g.end(), gain.data());
        std::copy(b.begin(), b.end(), bias.data());
        for (int r = 0; r < 3; ++r) std::copy_n(x.data() + r * width, width, rows.data() + r * stride);
        k.layer_norm(rows.data(), stride, 3, width, gain.data(), bias.data(), 1e-5f);
        for (int r = 0; r < 3; ++r) {
            double mean = 0, variance = 0;
            for (int i = 0; i < width; ++i) mean += x[r * width + i] / width;
            for (int i = 0; i < width; ++i) variance += std::pow(x[r * width + i] - mean, 2) / width;
            for (int i = 0; i < width; ++i) {
                const double should = (x[r * width + i] - mean) / std::sqrt(variance + 1e-5) * g[i] + b[i];
                if (std::fabs(rows[r * stride + i] - should) > 1e-4)
                    return expect(false, std::string(k.level) + " layer norm " + std::to_string(width));
            }
        }
    }
}

void test_attention(const Kernels& k) {
    const int shapes[][2] = {{1, 1}, {2, 8}, {5, 16}, {17, 32}, {64, 64}, {33, 20}, {130, 8}, {512, 16}};
    for (const auto& [tokens, width] : shapes) {
        const std::size_t stride = 3 * width + 5;
        const auto rows = noise(tokens * stride), bias = noise(2 * tokens);
        Buffer<float> out(static_cast<std::size_t>(tokens) * width), scratch(k.attention_scratch(tokens, width));
        Attention a;
        a.q = rows.data();
        a.k = rows.data() + width;
        a.v = rows.data() + 2 * width;
        a.q_stride = a.kv_stride = stride;
        a.out = out.data();
        a.out_stride = width;
        a.queries = a.tokens = tokens;
        a.width = width;
        a.scale = 0.5f;
        a.relative = bias.data() + tokens - 1;
        a.scratch = scratch.data();
        k.attend(a);
        for (int q = 0; q < tokens; ++q) {
            std::vector<double> p(tokens);
            double sum = 0;
            for (int j = 0; j < tokens; ++j) {
                double score = 0;
                for (int i = 0; i < width; ++i) score += static_cast<double>(a.q[q * stride + i]) * a.k[j * stride + i];
                p[j] = std::exp(0.5 * score + bias[tokens - 1 + j - q]);
                sum += p[j];
            }
            for (int i = 0; i < width; ++i) {
                double should = 0;
                for (int j = 0; j < tokens; ++j) should += p[j] / sum * a.v[j * stride + i];
                if (std::fabs(out[q * width + i] - should) > 2e-5)
                    return expect(false, std::string(k.level) + " attention over " + std::to_string(tokens));
            }
        }
        const std::vector<float> all(out.data(), out.data() + tokens * width);
        const int last = tokens - 1;
        a.queries = 1;
        a.positions = &last;
        a.q = rows.data() + last * stride;
        k.attend(a);
        expect(std::equal(out.data(), out.data() + width, all.begin() + last * width),
               std::string(k.level) + " attention of one row");
    }
}

Matrix random_matrix(const Kernels& k, Format f, int out, int in, Pages& pages) {
    const auto w = noise(static_cast<std::size_t>(out) * in, 0.2f), b = noise(out, 0.1f);
    const int panel = f == Format::f32 ? k.float_panel : f == Format::f16 ? k.half_panel : k.integer_panel;
    return pack(w.data(), b.data(), out, in, f, panel, pages);
}

Norm random_norm(int width) {
    const auto g = noise(width), b = noise(width);
    Norm norm{Buffer<float>(width + 64), Buffer<float>(width + 64)};
    std::copy(g.begin(), g.end(), norm.gain.data());
    std::copy(b.begin(), b.end(), norm.bias.data());
    return norm;
}

// One to three threads, and rows chosen in the last block: the same bits.
void test_walk(const Kernels& k, Format format, int width, int heads, int inner) {
    Encoder encoder(k, {width, heads, inner, 1e-12f, Activation::gelu});
    const auto words = noise(25 * width), positions = noise(64 * width);
    encoder.embeddings = {words.data(), positions.data(), nullptr, 25, 64, width, random_norm(width), {}};
    const auto matrix = [&](int out, int in) { return random_matrix(k, format, out, in, encoder.pages); };
    for (int b = 0; b < 2; ++b)
        encoder.blocks.push_back({matrix(width, width), matrix(2 * width, width), matrix(width, width),
                                  matrix(inner, width), matrix(width, inner), random_norm(width),
                                  random_norm(width)});
    encoder.pooler = matrix(width, width);
    const std::vector<int> lengths{1, 5, 64, 2, 40}, firsts{0, 1, 6, 70, 72};
    std::vector<int> ids, places, offsets{0};
    for (int n : lengths) {
        for (int i = 0; i < n; ++i) {
            ids.push_back(static_cast<int>(chance() % 25));
            places.push_back(i);
        }
        offsets.push_back(static_cast<int>(ids.size()));
    }
    const std::size_t tokens = ids.size(), stride = row_stride(width);
    std::vector<float> weights(2 * tokens, 0.0f);
    for (int f : firsts) weights[f] = 1;
    for (std::size_t i = tokens; i < 2 * tokens; ++i) weights[i] = 0.25f;
    Batch batch{ids.data(), places.data(), offsets.data(), 5};
    const auto run = [&](bool chosen, int threads) {
        Reading reading;
        reading.deepest = 2;
        reading.weights = weights.data();
        reading.linear = {{2, 0}};
        reading.pooler = true;
        if (chosen) {
            reading.rows = firsts.data();
            reading.row_count = 5;
        } else {
            reading.linear.push_back({1, 1});
            reading.maxima = {{1, {{0, 0.5f}, {2, 0.5f}}}};
        }
        reading.hidden_states = chosen ? std::vector<int>{0, 1} : std::vector<int>{1, 2};
        std::vector<float> hidden(2 * tokens * width, NAN);
        reading.hidden_out = hidden.data();
        Buffer<float> out(reading.vectors() * 5 * stride);
        reading.out = out.data();
        encoder.run(batch, reading, threads);
        std::vector<float> made;
        for (std::size_t r = 0; r < reading.vectors() * 5; ++r)
            made.insert(made.end(), out.data() + r * stride, out.data() + r * stride + width);
        made.insert(made.end(), hidden.begin(), hidden.end());
        return made;
    };
    const std::string what = std::string(k.level) + " " + name(format) + " walk of width " + std::to_string(width);
    const auto all = run(false, 1), chosen = run(true, 1);
    for (float x : all) expect(std::isfinite(x), what + " is finite");
    expect(all == run(false, 2) && all == run(false, 3) && chosen == run(true, 2), what + " in threads");
    const std::size_t part = 5 * width, hidden = 2 * tokens * width;
    expect(std::equal(chosen.begin(), chosen.begin() + part, all.begin()), what + " of chosen rows");
    expect(std::equal(chosen.end() - hidden - part, chosen.end() - hidden, all.end() - hidden - part),
           what + " of the pooler");
    expect(std::equal(chosen.end() - hidden / 2, chosen.end(), all.end() - hidden), what + " of a whole layer");
}

void test(const Kernels& k) {
    std::vector<Format> formats{Format::f32, Format::i16};
    if (k.bytes) formats.push_back(Format::i8);
    if (k.half_panel) formats.push_back(Format::f16);
    for (Format f : formats) {
        test_products(k, f, f == Format::f32 ? k.float_panel : f == Format::f16 ? k.half_panel : k.integer_panel);
        test_walk(k, f, 24, 1, 40);
        test_walk(k, f, 60, 3, 100);
        test_walk(k, f, 64, 4, 128);
    }
    test_activations(k);
    test_layer_norm(k);
    test_attention(k);
    std::printf("%s done\n", k.level);
}

}  // namespace

int main() {
    for (const Kernels* k : available_kernels()) test(*k);
    test(portable_kernels);
    test(table<Portable<8, 6, 2>>("shape of avx2"));
    test(table<PortableHalf<4, 3, 2>>("narrow"));
    std::printf("%d failed\n", failures);
    return failures != 0;
}
