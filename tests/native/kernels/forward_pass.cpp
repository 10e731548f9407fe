// The forward pass of encoders with random weights, on one level beside the portable one.
#include "tests.h"

namespace poolwise {
namespace {

// Relative to what is larger than 1.
float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    float largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::fabs(a[i] - b[i]) / std::max(1.0f, std::fabs(a[i])));
    return largest;
}

// A float32 sum of n products is the exact one over weights that are each off by a part of
// lambda sqrt(n) 2^-24, with a probability that grows fast with lambda (Higham and Mary 2019,
// theorem 3.1): here 4. The polynomials of exponentials and GELU are off by less. So a level
// differs from the portable one at most as that one does from itself with such weights, which is
// more where an encoder enlarges errors, as random ones do.
constexpr float sum_error = 4 * 0x1p-24f;

// In float32 what the portable kernels make, but for rounding; with one to three threads, and with
// rows selected in the last block, the same bits.
void test_forward_pass(const Kernels& k, Format format, const Shape& shape, Kind kind) {
    Random same_numbers = random_numbers;
    Random same_again = random_numbers;
    const RandomEncoder portable(same_numbers, portable_kernels, Format::f32, shape, kind);
    const RandomEncoder off(same_again, portable_kernels, Format::f32, shape, kind, sum_error);
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
    if (format == Format::f32) {
        const auto expected = run(portable.encoder, all_rows, 1);
        const float difference = largest_difference(all, expected);
        expect(difference <= largest_difference(run(off.encoder, all_rows, 1), expected),
               label + " is off the portable one by " + std::to_string(difference));
    }
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

}  // namespace

void test_forward_passes(const Kernels& k, Format format) {
    for (const auto& [width, heads, inner] : {std::array{24, 1, 40}, {60, 3, 100}, {64, 4, 128}}) {
        test_forward_pass(k, format, bert_shape(width, heads, inner), Kind::post_norm);
        test_forward_pass(k, format, grouped_shape(width, heads, inner), Kind::rotary);
        test_forward_pass(k, format, bert_shape(width, heads, inner), Kind::disentangled);
    }
}

}  // namespace poolwise
