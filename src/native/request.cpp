#include "request.h"

#include <algorithm>
#include <cmath>

#include "check.h"

namespace poolwise {
namespace {

// The most floats that a step's rows have, which int counts, and the most vectors of a sequence.
constexpr std::size_t most_floats = 1u << 30;
constexpr std::size_t most_vectors = 1u << 16;

}  // namespace

Batch Request::batch() const {
    return {ids.data(), positions.data(), offsets.data(), static_cast<int>(offsets.size()) - 1};
}

Reading Request::reading_into(float* out, float* hidden_out) const {
    Reading made = reading;
    if (rows) {
        made.rows = rows->empty() ? offsets.data() : rows->data();  // null would mean all of them
        made.row_count = static_cast<int>(rows->size());
    }
    made.weights = weights.data();
    made.out = out;
    made.hidden_out = hidden_out;
    return made;
}

void Request::check(const Encoder& encoder) const {
    const int depth = static_cast<int>(encoder.blocks.size());
    check_sequences(encoder);
    check_tokens(encoder.embeddings);
    expect_within(reading.deepest, 0, depth, "deepest");
    expect(!reading.pooler || encoder.pooler.out, "the encoder has no pooler");
    expect(!reading.pooler || reading.deepest == depth, "the pooler reads the last layer");
    expect(weights.size() == static_cast<std::size_t>(pools) * ids.size(), "weights: one for each token");
    expect(reading.vectors() <= most_vectors, "more than 65536 vectors of a sequence");
    check_pools();
    check_hidden_states();
    if (rows) check_rows();
}

void Request::check_sequences(const Encoder& encoder) const {
    const std::size_t tokens = ids.size();
    const std::size_t wide = std::max(row_stride(2 * encoder.shape.width), row_stride(encoder.shape.inner));
    expect(tokens <= most_floats / wide, "the batch has too many tokens");
    expect(positions.size() == tokens, "ids and positions differ in length");
    expect(offsets.size() >= 2 && offsets.front() == 0 && offsets.back() == static_cast<int>(tokens),
           "offsets: from 0 to the number of tokens, one more than there are sequences");
    const int longest = encoder.reach ? std::min(encoder.reach, encoder.embeddings.most)
                                      : encoder.embeddings.most;
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
        expect_within(static_cast<long>(offsets[s + 1]) - offsets[s], 1, longest, "tokens of sequence", s);
}

void Request::check_tokens(const Embeddings& embeddings) const {
    for (std::size_t t = 0; t < ids.size(); ++t) {
        expect_within(ids[t], 0, embeddings.vocabulary - 1, "ids", t);
        expect_within(positions[t], 0, embeddings.most - 1, "positions", t);
    }
}

void Request::check_pools() const {
    for (const auto& [layer, pool] : reading.linear) {
        expect_within(layer, 0, reading.deepest, "a linear pool's layer");
        expect_within(pool, 0, pools - 1, "a linear pool's row of weights");
    }
    for (const auto& [pool, terms] : reading.maxima) {
        expect_within(pool, 0, pools - 1, "a maximum's row of weights");
        expect(!terms.empty(), "a maximum over no layer");
        int before = -1;
        for (const auto& [layer, coefficient] : terms) {
            expect_within(layer, before + 1, reading.deepest, "a maximum's next layer");
            before = layer;
        }
        expect(!rows || before < reading.deepest, "a maximum over the deepest layer needs every row");
    }
}

void Request::check_hidden_states() const {
    int before = -1;
    for (const int layer : reading.hidden_states) {
        expect_within(layer, before + 1, reading.deepest, "the next layer of hidden_states");
        before = layer;
    }
    expect(!rows || before < reading.deepest, "hidden_states of the deepest layer need every row");
}

// Nothing may read a row of the deepest layer that is left out.
void Request::check_rows() const {
    const int tokens = static_cast<int>(ids.size());
    std::vector<bool> there(tokens);
    int before = -1;
    for (std::size_t i = 0; i < rows->size(); ++i) {
        expect_within((*rows)[i], before + 1, tokens - 1, "rows", i);
        there[before = (*rows)[i]] = true;
    }
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
        expect(!reading.pooler || there[offsets[s]], "the pooler reads each sequence's first row");
        for (const auto& [layer, pool] : reading.linear) {
            const float* weight = weights.data() + static_cast<std::size_t>(pool) * tokens;
            if (layer != reading.deepest || std::isnan(weight[offsets[s]])) continue;
            for (int t = offsets[s]; t < offsets[s + 1]; ++t)
                expect(there[t] || weight[t] == 0, "a linear pool reads a row that is left out");
        }
    }
}

}  // namespace poolwise
