// Every set of kernels against double arithmetic, at odd shapes, and against itself: a row's bits
// must not depend on the rows beside it, nor a batch's on the number of threads. Compiled and run
// by test_native_programs.py, with the address and undefined-behaviour sanitizers.
#include <cmath>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cpu.h"
#include "random_encoder.h"

using namespace poolwise;

// Of instruction sets that this CPU may lack; linked where they are to be tested.
[[gnu::weak]] std::vector<Kernels> other_shapes();

namespace {

int failures = 0;

void expect(bool condition, const std::string& message) {
    if (condition) return;
    ++failures;
    std::printf("FAILED %s\n", message.c_str());
}

Random random_numbers{std::mt19937(1)};

std::vector<float> noise(std::size_t count, float deviation = 1) {
    return random_numbers.normal(count, deviation);
}

double reference(Activation activation, double x) {
    switch (activation) {
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

// The largest error by a format's rounding, relative to the size of the sums.
double tolerance(Format f) {
    return f == Format::f32 ? 2e-6 : f == Format::f16 ? 4e-3 : f == Format::i16 ? 2e-3 : 2e-2;
}

std::vector<float> product(const Kernels& k, const Matrix& m, const std::vector<float>& x,
                           int first, int rows, const Epilogue& e) {
    const std::size_t stride = row_stride(m.out), bytes = converted_bytes(m);
    Buffer<float> in(rows * row_stride(m.in)), out(rows * stride), scales(rows);
    Buffer<unsigned char> converted(rows * bytes);
    for (int r = 0; r < rows; ++r)
        std::copy_n(x.data() + (first + r) * m.in, m.in, in.data() + r * row_stride(m.in));
    LinearInput input{in.data(), row_stride(m.in) * sizeof(float), nullptr};
    if (m.format != Format::f32) {
        k.convert(m, in.data(), row_stride(m.in), rows, converted.data(), bytes, scales.data());
        input = {converted.data(), bytes, scales.data()};
    }
    k.multiply(m, input, rows, 0, m.panels, e, out.data(), stride);
    std::vector<float> values;
    for (int r = 0; r < rows; ++r)
        values.insert(values.end(), out.data() + r * stride, out.data() + r * stride + m.out);
    return values;
}

void test_products(const Kernels& k, Format format, int panel) {
    const int shapes[][3] = {{1, 1, 1},    {1, 25, 7},   {3, 33, 5},    {7, 16, 16},  {13, 50, 64},
                             {5, 96, 130}, {2, 17, 515}, {29, 70, 257}, {6, 48, 1100}};
    for (const auto& [rows, out, in] : shapes) {
        auto w = noise(static_cast<std::size_t>(out) * in, 0.1f), x = noise(rows * in);
        const auto b = noise(out);
        // One input of many is far from the others, as in hidden states, and may cost integers
        // little; its weights are exact.
        const bool integers = format == Format::i8 || format == Format::i16;
        const int huge = integers && in > 90 ? in / 2 : in;
        for (int r = 0; r < rows && huge < in; ++r) x[r * in + huge] *= 6;
        for (int o = 0; o < out && huge < in; ++o) w[o * in + huge] = o % 2 ? 0.5f : -0.5f;
        Pages pages;
        const Matrix m = pack(w.data(), b.data(), out, in, format, panel, pages);
        const auto outputs = product(k, m, x, 0, rows, {});
        const std::string label = std::string(k.level) + " " + name(format) + " " +
                                  std::to_string(rows) + "x" + std::to_string(in) + "x" +
                                  std::to_string(out);
        for (int r = 0; r < rows; ++r)
            for (int o = 0; o < out; ++o) {
                double sum = b[o], size = 0;
                for (int i = 0; i < in; ++i) {
                    const double p = static_cast<double>(x[r * in + i]) * w[o * in + i];
                    sum += p;
                    if (i != huge) size += p * p;
                }
                const double error = std::fabs(outputs[r * out + o] - sum);
                if (error > tolerance(format) * (1 + 4 * std::sqrt(size)))
                    return expect(false, label + " is off by " + std::to_string(error));
            }
        for (int r = 0; r < rows; ++r) {
            const auto alone = product(k, m, x, r, 1, {});
            expect(std::equal(alone.begin(), alone.end(), outputs.begin() + r * out),
                   label + " alone");
        }
    }
}

void test_activations(const Kernels& k) {
    constexpr int in = 1, out = 2001;
    std::vector<float> w(out), b(out, 0.0f), x{1.0f};
    for (int i = 0; i < out; ++i) w[i] = (i - 1000) * 0.012f;
    Pages pages;
    const Matrix m = pack(w.data(), b.data(), out, in, Format::f32, k.panel, pages);
    for (Activation activation :
         {Activation::gelu, Activation::gelu_tanh, Activation::relu, Activation::silu}) {
        const auto outputs = product(k, m, x, 0, 1, {.activation = activation});
        double max_error = 0;
        for (int i = 0; i < out; ++i)
            max_error = std::max(max_error, std::fabs(outputs[i] - reference(activation, w[i])) /
                                                (1 + std::fabs(w[i])));
        expect(max_error < 5e-7,
               std::string(k.level) + " activation off by " + std::to_string(max_error));
    }
}

void test_rms_norm(const Kernels& k) {
    for (int width : {1, 7, 16, 33, 384, 770}) {
        const std::size_t stride = row_stride(width);
        Buffer<float> rows(2 * stride), out(2 * stride), gain(width + 64);
        const auto x = noise(2 * width, 3), g = noise(width);
        std::copy(g.begin(), g.end(), gain.data());
        for (int r = 0; r < 2; ++r)
            std::copy_n(x.data() + r * width, width, rows.data() + r * stride);
        k.rms_norm(rows.data(), out.data(), stride, 2, width, gain.data(), 1e-5f);
        for (int r = 0; r < 2; ++r) {
            double square = 0;
            for (int i = 0; i < width; ++i) square += std::pow(x[r * width + i], 2) / width;
            for (int i = 0; i < width; ++i)
                expect(std::fabs(out[r * stride + i] -
                                 x[r * width + i] / std::sqrt(square + 1e-5) * g[i]) < 1e-4,
                       std::string(k.level) + " RMS norm " + std::to_string(width));
        }
    }
}

// Two of three heads of each row, alone and among others; the third stays as it is.
void test_rotation(const Kernels& k) {
    const int positions[] = {5, 0, 7};
    for (int width : {2, 6, 16, 26, 64, 130}) {
        const std::size_t stride = 3 * width;
        const auto x = noise(3 * stride), table = noise(8 * width);
        std::vector<float> all = x, alone = x;
        k.rotate(all.data(), stride, 3, positions, table.data(), 2, width);
        for (int r = 0; r < 3; ++r)
            k.rotate(alone.data() + r * stride, stride, 1, positions + r, table.data(), 2, width);
        const std::string label = std::string(k.level) + " rotation of " + std::to_string(width);
        expect(all == alone, label + " alone");
        const int half = width / 2;
        for (int r = 0; r < 3; ++r)
            for (int c = 0; c < 3 * width; ++c) {
                const std::size_t at = r * stride + c;
                const bool first = c % width < half;
                const double partner = x[first ? at + half : at - half];
                const double cosine = table[positions[r] * width + c % width % half];
                const double sine = table[positions[r] * width + half + c % width % half];
                const double rotated = x[at] * cosine + partner * (first ? -sine : sine);
                expect(std::fabs(all[at] - (c < 2 * width ? rotated : x[at])) < 3e-6, label);
            }
    }
}

// activation(x W' + bias) * factor + residual
void test_epilogue(const Kernels& k, Format format) {
    constexpr int rows = 7, in = 40, out = 53;
    const auto w = noise(out * in, 0.1f), b = noise(out), x = noise(rows * in);
    const std::size_t stride = row_stride(out);
    const auto factor = noise(rows * stride), residual = noise(rows * stride);
    Pages pages;
    const Matrix m = pack(w.data(), b.data(), out, in, format, panel_columns(k, format), pages);
    Epilogue epilogue{.activation = Activation::silu};
    const auto activated = product(k, m, x, 0, rows, epilogue);
    epilogue.factor = factor.data();
    epilogue.residual = residual.data();
    epilogue.factor_stride = epilogue.residual_stride = stride;
    const auto outputs = product(k, m, x, 0, rows, epilogue);
    for (int r = 0; r < rows; ++r)
        for (int o = 0; o < out; ++o) {
            const double expected =
                static_cast<double>(activated[r * out + o]) * factor[r * stride + o] +
                residual[r * stride + o];
            expect(std::fabs(outputs[r * out + o] - expected) < 2e-6,
                   std::string(k.level) + " " + name(format) + " factor and residual");
        }
}

void test_layer_norm(const Kernels& k) {
    for (int width : {1, 7, 16, 33, 384, 770}) {
        const std::size_t stride = row_stride(width);
        Buffer<float> rows(3 * stride), gain(width + 64), bias(width + 64);
        const auto x = noise(3 * width, 3), g = noise(width), b = noise(width);
        std::copy(g.begin(), g.end(), gain.data());
        std::copy(b.begin(), b.end(), bias.data());
        for (int r = 0; r < 3; ++r)
            std::copy_n(x.data() + r * width, width, rows.data() + r * stride);
        k.layer_norm(rows.data(), rows.data(), stride, 3, width, gain.data(), bias.data(), 1e-5f);
        for (int r = 0; r < 3; ++r) {
            double mean = 0, variance = 0;
            for (int i = 0; i < width; ++i) mean += x[r * width + i] / width;
            for (int i = 0; i < width; ++i)
                variance += std::pow(x[r * width + i] - mean, 2) / width;
            for (int i = 0; i < width; ++i) {
                const double expected =
                    (x[r * width + i] - mean) / std::sqrt(variance + 1e-5) * g[i] + b[i];
                if (std::fabs(rows[r * stride + i] - expected) > 1e-4)
                    return expect(false,
                                  std::string(k.level) + " layer norm " + std::to_string(width));
            }
        }
    }
}

// A head of `tokens` random rows of queries, keys and values, and a bias for each distance.
struct RandomHead {
    std::size_t stride;
    std::vector<float> rows, bias;
    Buffer<float> scratch, out;
    AttentionHead head;
    std::vector<float> relative_keys, relative_queries;
    std::vector<int> row_of_distance;
    Pages pages;
    Matrix packed_keys;
    RelativePositions relative;

    RandomHead(const Kernels& k, int tokens, int width, int window)
        : stride(3 * width + 5),
          rows(noise(tokens * stride)),
          bias(noise(2 * tokens)),
          scratch(k.attention_scratch(tokens, width, 0)),
          out(static_cast<std::size_t>(tokens) * width) {
        head.q = rows.data();
        head.k = rows.data() + width;
        head.v = rows.data() + 2 * width;
        head.q_stride = head.kv_stride = stride;
        head.out = out.data();
        head.out_stride = width;
        head.queries = head.tokens = tokens;
        head.width = width;
        head.scale = 0.5f;
        head.window = window;
        head.scratch = scratch.data();
    }

    RandomHead(const RandomHead&) = delete;

    void use_bias() { head.relative_bias = bias.data() + head.tokens - 1; }

    // Distances beyond `rows` rows share the first or the last one.
    void use_relative_positions(const Kernels& k, int rows, bool keys, bool queries) {
        const std::size_t size = static_cast<std::size_t>(rows) * head.width;
        for (int distance = 1 - head.tokens; distance < head.tokens; ++distance)
            row_of_distance.push_back(std::clamp(rows / 2 + distance, 0, rows - 1));
        relative.row_of_distance = row_of_distance.data() + head.tokens - 1;
        relative.rows = rows;
        if (keys) {
            relative_keys = noise(size);
            packed_keys = pack(relative_keys.data(), nullptr, rows, head.width, Format::f32,
                               k.panel, pages);
            relative.keys = reinterpret_cast<const float*>(packed_keys.data);
        }
        if (queries) {
            relative_queries = noise(size);
            relative.queries = relative_queries.data();
        }
        scratch = Buffer<float>(k.attention_scratch(head.tokens, head.width, rows));
        head.scratch = scratch.data();
        head.relative = &relative;
    }

    double relative_terms(int q, int j) const {
        double score = 0;
        for (int i = 0; i < head.width && head.relative != nullptr; ++i) {
            const std::size_t index =
                static_cast<std::size_t>(relative.row_of_distance[j - q]) * head.width + i;
            if (!relative_keys.empty())
                score += static_cast<double>(head.q[q * stride + i]) * relative_keys[index];
            if (!relative_queries.empty())
                score += static_cast<double>(head.k[j * stride + i]) * relative_queries[index];
        }
        return score;
    }

    // The result for the query at position q.
    std::vector<double> reference(int q) const {
        const AttentionHead& a = head;
        std::vector<double> sums(a.width);
        double sum = 0;
        for (int j = 0; j < a.tokens; ++j) {
            if (std::abs(q - j) > a.window) continue;
            double score = relative_terms(q, j);
            for (int i = 0; i < a.width; ++i)
                score += static_cast<double>(a.q[q * stride + i]) * a.k[j * stride + i];
            score *= a.scale;
            if (a.relative_bias != nullptr) score += a.relative_bias[j - q];
            const double p = std::exp(score);
            sum += p;
            for (int i = 0; i < a.width; ++i) sums[i] += p * a.v[j * stride + i];
        }
        for (double& x : sums) x /= sum;
        return sums;
    }

    // Only the queries at these positions; their results.
    std::vector<float> attend(const Kernels& k, const std::vector<int>& positions) const {
        std::vector<float> queries, results(positions.size() * head.width);
        for (int p : positions)
            queries.insert(queries.end(), head.q + p * stride, head.q + p * stride + head.width);
        AttentionHead a = head;
        a.q = queries.data();
        a.q_stride = head.width;
        a.queries = static_cast<int>(positions.size());
        a.query_positions = positions.data();
        a.out = results.data();
        k.attend(a);
        return results;
    }
};

void test_attention(const Kernels& k, const RandomHead& random_head) {
    const int tokens = random_head.head.tokens, width = random_head.head.width;
    k.attend(random_head.head);
    const float* out = random_head.out.data();
    const std::string label = std::string(k.level) + " attention over " + std::to_string(tokens) +
                              " tokens, window " + std::to_string(random_head.head.window) +
                              ", relative rows " + std::to_string(random_head.relative.rows);
    const int stride = tokens > 1000 ? 61 : 1;
    for (int q = 0; q < tokens; q += stride) {
        const auto expected = random_head.reference(q);
        for (int i = 0; i < width; ++i)
            if (!(std::fabs(out[q * width + i] - expected[i]) < 2e-5)) return expect(false, label);
    }
    std::vector<int> some;
    for (int p = random_numbers.below(5); p < tokens; p += 1 + random_numbers.below(tokens / 3 + 2))
        some.push_back(p);
    for (const auto& positions : {std::vector{0}, std::vector{tokens - 1}, some}) {
        const auto results = random_head.attend(k, positions);
        for (std::size_t r = 0; r < positions.size(); ++r)
            expect(std::equal(out + positions[r] * width, out + (positions[r] + 1) * width,
                              results.begin() + r * width),
                   label + ", of selected rows");
    }
}

void test_attention(const Kernels& k, int tokens, int width, int window, bool bias) {
    RandomHead random_head(k, tokens, width, window);
    if (bias) random_head.use_bias();
    test_attention(k, random_head);
}

void test_relative_positions(const Kernels& k) {
    const int shapes[][2] = {{1, 2}, {2, 16}, {33, 20}, {64, 512}, {130, 64}, {300, 64}};
    for (const auto& [tokens, rows] : shapes)
        for (int terms : {1, 2, 3}) {
            RandomHead random_head(k, tokens, 12, AttentionHead::every_key);
            random_head.use_relative_positions(k, rows, terms & 1, terms & 2);
            random_head.head.scale = 0.2f;
            test_attention(k, random_head);
        }
}

void test_attention(const Kernels& k) {
    test_relative_positions(k);
    const int shapes[][2] = {{1, 1},   {2, 8},   {5, 16},  {17, 32},
                             {64, 64}, {33, 20}, {130, 8}, {512, 16}};
    for (const auto& [tokens, width] : shapes)
        test_attention(k, tokens, width, AttentionHead::every_key, true);
    for (int window : {0, 1, 7, 16, 64, 299, 300})
        test_attention(k, 300, 12, window, window % 2 == 0);
    test_attention(k, 1, 64, 0, false);
    test_attention(k, 8192, 8, 64, false);
}

// Relative to what is larger than 1.
float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    float largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::fabs(a[i] - b[i]) / std::max(1.0f, std::fabs(a[i])));
    return largest;
}

// In float32 what the portable kernels make, nearly; with one to three threads, and with rows
// selected in the last block, the same bits.
void test_forward_pass(const Kernels& k, Format format, const Shape& shape, Kind kind) {
    Random same_numbers = random_numbers;
    const RandomEncoder portable_encoder(same_numbers, portable_kernels, Format::f32, shape, kind);
    const RandomEncoder random_encoder(random_numbers, k, format, shape, kind);
    const Encoder& encoder = random_encoder.encoder;
    const std::size_t width = shape.width, sequences = 5;
    Request all_rows = random_sequences(random_numbers, {1, 5, 64, 2, 40});
    const std::size_t tokens = all_rows.ids.size();
    const std::vector<int> first_rows(all_rows.offsets.begin(), all_rows.offsets.end() - 1);
    all_rows.pools = 2;
    all_rows.weights.assign(tokens, 0.0f);
    for (int row : first_rows) all_rows.weights[row] = 1;
    all_rows.weights.resize(2 * tokens, 0.25f);
    all_rows.plan.deepest = 2;
    all_rows.plan.linear = {{2, 0}};
    all_rows.plan.pooler = true;
    Request selected_rows = all_rows;
    selected_rows.rows = first_rows;
    selected_rows.plan.hidden_states = {0, 1};
    all_rows.plan.linear.push_back({1, 1});
    all_rows.plan.maxima = {{1, {{0, 0.5f}, {2, 0.5f}}}};
    all_rows.plan.hidden_states = {1, 2};
    const std::string label = std::string(k.level) + " " + name(format) +
                              " forward pass of width " + std::to_string(width) +
                              (kind == Kind::rotary ? ", rotary" : "");
    const auto all = run(encoder, all_rows, 1), selected = run(encoder, selected_rows, 1);
    for (float x : all) expect(std::isfinite(x), label + " is finite");
    if (format == Format::f32)
        if (const float off = largest_difference(all, run(portable_encoder.encoder, all_rows, 1));
            off > 5e-5f)
            expect(false, label + " is off the portable one by " + std::to_string(off));
    expect(all == run(encoder, all_rows, 2) && all == run(encoder, all_rows, 3) &&
               selected == run(encoder, selected_rows, 2),
           label + " in threads");
    const std::size_t size = sequences * width, hidden = 2 * tokens * width;
    expect(std::equal(selected.begin(), selected.begin() + size, all.begin()),
           label + " of selected rows");
    expect(std::equal(selected.end() - hidden - size, selected.end() - hidden,
                      all.end() - hidden - size),
           label + " of the pooler");
    expect(std::equal(selected.end() - hidden / 2, selected.end(), all.end() - hidden),
           label + " of a whole layer");
}

void test(const Kernels& k) {
    for (Format format : formats(k)) {
        test_products(k, format, panel_columns(k, format));
        test_epilogue(k, format);
        for (const auto& [width, heads, inner] :
             {std::array{24, 1, 40}, {60, 3, 100}, {64, 4, 128}}) {
            test_forward_pass(k, format, bert_shape(width, heads, inner), Kind::post_norm);
            test_forward_pass(k, format, grouped_shape(width, heads, inner), Kind::rotary);
            test_forward_pass(k, format, bert_shape(width, heads, inner), Kind::disentangled);
        }
    }
    test_activations(k);
    test_layer_norm(k);
    test_rms_norm(k);
    test_rotation(k);
    test_attention(k);
    std::printf("%s done\n", k.level);
}

}  // namespace

// Tests the levels that are named, by default all of this CPU.
int main(int count, char** names) {
    const std::set<std::string> wanted(names + 1, names + count);
    std::printf("best %s\n", available_kernels()[0]->level);
    for (const Kernels* k : available_kernels())
        if (wanted.empty() || wanted.count(k->level)) test(*k);
    if (other_shapes != nullptr)
        for (const Kernels& k : other_shapes()) test(k);
    std::printf("%d failed\n", failures);
    return failures != 0;
}
