// Attention by double arithmetic: biases, windows, relative positions, selected rows.
#include "random_head.h"

namespace poolwise {
namespace {

// In int16, weights below 2^15 and the values of a group lose some 1e-4 of the largest value each;
// in bytes, a score of n random components is off by some sqrt(n) / 100 before its scale.
double tolerance(const AttentionHead& a) {
    return a.format == Format::f32 ? 2e-5 : a.format == Format::i8 ? 0.2 : 3e-3;
}

void test_attention(const Kernels& k, const RandomHead& random_head) {
    const int tokens = random_head.head.tokens, width = random_head.head.width;
    k.attend(random_head.head);
    const float* out = random_head.out.data();
    const std::string label = std::string(k.level) + " attention over " + std::to_string(tokens) +
                              " tokens, window " + std::to_string(random_head.head.window) +
                              ", format " + name(random_head.head.format) + ", relative rows " +
                              std::to_string(random_head.relative.rows);
    const int stride = tokens > 1000 ? 61 : 1;
    for (int q = 0; q < tokens; q += stride) {
        const auto expected = random_head.reference(q);
        for (int i = 0; i < width; ++i)
            if (!(std::fabs(out[q * width + i] - expected[i]) < tolerance(random_head.head)))
                return expect(false, label);
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
    for (Format format : {Format::f32, k.near, k.fast}) {
        random_head.head.format = format;
        test_attention(k, random_head);
    }
}

// A query of zeros weighs all keys alike, and keys and values of zeros give zeros.
void test_zeros(const Kernels& k) {
    RandomHead random_head(k, 100, 16, AttentionHead::every_key);
    random_head.head.format = k.fast;
    std::fill_n(random_head.rows.data() + 7 * random_head.stride, 16, 0.0f);
    test_attention(k, random_head);
    std::fill(random_head.rows.begin(), random_head.rows.end(), 0.0f);
    test_attention(k, random_head);
}

// Queries and keys whose squares leave a float's range.
void test_extreme_sizes(const Kernels& k) {
    for (const auto& [queries, keys] : {std::pair{1e-21f, 1e21f}, {1e21f, 1e-21f}}) {
        RandomHead random_head(k, 70, 16, AttentionHead::every_key);
        random_head.head.format = k.near;
        for (int t = 0; t < 70; ++t)
            for (int i = 0; i < 16; ++i) {
                random_head.rows[t * random_head.stride + i] *= queries;
                random_head.rows[t * random_head.stride + 16 + i] *= keys;
            }
        test_attention(k, random_head);
    }
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

}  // namespace

void test_attention(const Kernels& k) {
    test_relative_positions(k);
    const int shapes[][2] = {{1, 1},   {2, 8},   {5, 16},  {17, 32},
                             {64, 64}, {33, 20}, {130, 8}, {512, 16}};
    for (const auto& [tokens, width] : shapes)
        test_attention(k, tokens, width, AttentionHead::every_key, true);
    for (int window : {0, 1, 7, 16, 64, 299, 300})
        test_attention(k, 300, 12, window, window % 2 == 0);
    test_attention(k, 1, 64, 0, false);
    test_attention(k, 97, 65, AttentionHead::every_key, false);
    test_zeros(k);
    test_extreme_sizes(k);
    test_attention(k, 8192, 8, 64, false);
}

}  // namespace poolwise
