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

}  // namespace

void test_forward_passes(const Kernels& k, Format format) {
    for (const auto& [width, heads, inner] : {std::array{24, 1, 40}, {60, 3, 100}, {64, 4, 128}}) {
        test_forward_pass(k, format, bert_shape(width, heads, inner), Kind::post_norm);
        test_forward_pass(k, format, grouped_shape(width, heads, inner), Kind::rotary);
        test_forward_pass(k, format, bert_shape(width, heads, inner), Kind::disentangled);
    }
}

}  // namespace poolwise
