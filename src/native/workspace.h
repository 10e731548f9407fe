// The memory of one forward pass, kept for the next one.
#pragma once

#include <vector>

#include "encoder.h"

namespace poolwise {

// Rows of floats have row_stride(width) floats each. All of it is allocated by `reserve`, in the
// calling thread and before work is shared, so that nothing needs memory in a helper thread.
struct Workspace {
    // A row for each of the batch's tokens.
    Buffer<float> hidden, query, key_value, context;
    // The rows of one step, which go through the linear layers together.
    int rows_per_step = 0;
    Buffer<float> embedded;    // embeddings before their projection, in ELECTRA
    Buffer<float> normalized;  // what a sublayer takes where its norm comes first
    Buffer<float> attended, gate, inner;
    Buffer<unsigned char> converted;  // a linear layer's input in the format of its weights
    Buffer<float> scales;             // of `converted`

    std::vector<Buffer<float>> sums;               // of layers, one buffer a max pool over several
    Buffer<float> pooler;                          // the pooler's inputs, then its outputs
    std::vector<Buffer<float>> attention_scratch;  // one a thread
    std::vector<int> row_offsets;      // [sequences + 1], of each sequence's rows in `hidden`
    std::vector<int> query_positions;  // of the selected rows, each in its sequence
    std::vector<int> token_positions;  // of the selected rows, as in Batch::positions

    void reserve(const Encoder& encoder, const Batch& batch, const OutputPlan& plan, int threads);

private:
    void reserve_step(const Encoder& encoder);
    void reserve_converted(const Encoder& encoder, std::size_t rows);
    void reserve_outputs(const Encoder& encoder, const Batch& batch, const OutputPlan& plan);
    void reserve_attention(const Encoder& encoder, const Batch& batch, int threads);
};

}  // namespace poolwise
