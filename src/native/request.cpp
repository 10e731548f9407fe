#include "request.h"

#include <algorithm>
#include <cmath>

#include "check.h"

namespace poolwise {
namespace {

constexpr std::size_t max_floats = 1u << 30;   // in a layer's rows, whose indices are int
constexpr std::size_t max_vectors = 1u << 16;  // of a sequence

}  // namespace

Batch Request::batch() const {
    return {ids.data(), positions.data(), offsets.data(), static_cast<int>(offsets.size()) - 1};
}

OutputPlan Request::outputs_into(float* out, float* hidden_out) const {
    OutputPlan outputs = plan;
    if (rows) {
        outputs.rows = rows->empty() ? offsets.data() : rows->data();  // null means all rows
        outputs.row_count = static_cast<int>(rows->size());
    }
    outputs.weights = weights.data();
    outputs.out = out;
    outputs.hidden_out = hidden_out;
    return outputs;
}

void Request::check(const Encoder& encoder) const {
    const int depth = encoder.depth();
    check_sequences(encoder);
    check_tokens(encoder.embeddings);
    expect_within(plan.deepest, 0, depth, "deepest");
    expect(!plan.pooler || encoder.pooler.out, "the encoder has no pooler");
    expect(!plan.pooler || plan.deepest == depth, "the pooler reads the last layer");
    expect(weights.size() == static_cast<std::size_t>(pools) * ids.size(),
           "weights: one for each token");
    expect(plan.vectors() <= max_vectors, "more than 65536 vectors of a sequence");
    check_pools();
    check_hidden_states();
    if (rows) check_rows();
}

void Request::check_sequences(const Encoder& encoder) const {
    const std::size_t tokens = ids.size();
    const Shape& shape = encoder.shape;
    const std::size_t stride = row_stride(
        std::max({shape.width, shape.query_width(), 2 * shape.key_value_width(), shape.inner}));
    expect(tokens <= max_floats / stride, "the batch has too many tokens");
    expect(positions.size() == tokens, "ids and positions differ in length");
    expect(
        offsets.size() >= 2 && offsets.front() == 0 && offsets.back() == static_cast<int>(tokens),
        "offsets: from 0 to the number of tokens, one more than there are sequences");
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
        expect_within(std::int64_t{offsets[s + 1]} - offsets[s], 1, encoder.max_sequence(),
                      "tokens of sequence", s);
}

void Request::check_tokens(const Embeddings& embeddings) const {
    for (std::size_t t = 0; t < ids.size(); ++t) {
        expect_within(ids[t], 0, embeddings.vocabulary - 1, "ids", t);
        expect_within(positions[t], 0, embeddings.max_positions - 1, "positions", t);
    }
}

void Request::check_pools() const {
    for (const auto& [layer, pool] : plan.linear) {
        expect_within(layer, 0, plan.deepest, "a linear pool's layer");
        expect_within(pool, 0, pools - 1, "a linear pool's row of weights");
    }
    for (const auto& [pool, terms] : plan.maxima) {
        expect_within(pool, 0, pools - 1, "a maximum's row of weights");
        expect(!terms.empty(), "a maximum over no layer");
        int previous = -1;
        for (const auto& [layer, coefficient] : terms) {
            expect_within(layer, previous + 1, plan.deepest, "a maximum's next layer");
            previous = layer;
        }
        expect(!rows || previous < plan.deepest,
               "a maximum over the deepest layer needs every row");
    }
}

void Request::check_hidden_states() const {
    int previous = -1;
    for (const int layer : plan.hidden_states) {
        expect_within(layer, previous + 1, plan.deepest, "the next layer of hidden_states");
        previous = layer;
    }
    expect(!rows || previous < plan.deepest, "hidden_states of the deepest layer need every row");
}

// No output may depend on a row of the deepest layer that is left out.
void Request::check_rows() const {
    const int tokens = static_cast<int>(ids.size());
    std::vector<bool> included(tokens);
    int previous = -1;
    for (std::size_t i = 0; i < rows->size(); ++i) {
        expect_within((*rows)[i], previous + 1, tokens - 1, "rows", i);
        included[previous = (*rows)[i]] = true;
    }
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
        expect(!plan.pooler || included[offsets[s]], "the pooler reads each sequence's first row");
        for (const auto& [layer, pool] : plan.linear) {
            const float* weight = weights.data() + static_cast<std::size_t>(pool) * tokens;
            if (layer != plan.deepest || std::isnan(weight[offsets[s]])) continue;
            for (int t = offsets[s]; t < offsets[s + 1]; ++t)
                expect(included[t] || weight[t] == 0, "a linear pool reads a row that is left out");
        }
    }
}

}  // namespace poolwise
