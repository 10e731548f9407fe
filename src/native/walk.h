// One batch on its way through an encoder.
#pragma once

#include <vector>

#include "encoder.h"

namespace poolwise {

// What one batch needs while it is on its way; kept for the next one.
struct Workspace {
    Buffer<float> hidden, next, query, key_value, context, inner, narrow;
    Buffer<unsigned char> converted;
    Buffer<float> scales;
    std::vector<Buffer<float>> scratch;  // one a thread
    std::vector<Buffer<float>> mixes;    // one a maximum over several layers
    Buffer<float> first;                 // the pooler's input
};

class Walk {
public:
    Walk(const Encoder& encoder, const Batch& batch, const Reading& reading, Workspace& space,
         int threads);
    // Every member of the team calls this once.
    void run(const Member& me);

private:
    void embed(const Member& me);
    void block(const Member& me, int number);
    void attend(const Member& me, bool chosen_rows);
    void feed_forward(const Member& me, const Block& block);
    int step_for(const Member& me) const;
    void choose_rows(const Member& me);
    void read(const Member& me, int layer);
    void read_linear(int pool, int sequence);
    void read_maximum(int maximum, int layer, int sequence);
    void pool_first(const Member& me);

    // Rows of floats as the matrix wants its input; the same for matrices of one format and width.
    Input converted(const Member& me, const Matrix& m, const float* x, std::size_t stride, int rows);
    // This member's panels of out = epilogue(x W').
    void multiply(const Member& me, const Matrix& m, const Input& x, int rows, const Epilogue& e,
                  float* out, std::size_t stride);

    const Encoder& encoder_;
    const Kernels& kernels_;
    const Batch& batch_;
    const Reading& reading_;
    Workspace& space_;
    const std::size_t wide_, inner_;  // floats from row to row
    int rows_;                        // rows of `hidden` at present
    bool chosen_ = false;             // `hidden` holds the reading's rows alone
    std::vector<int> row_offsets_;    // of each sequence among the rows
};

}  // namespace poolwise
