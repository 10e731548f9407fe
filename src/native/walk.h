// One batch on its way through an encoder.
#pragma once

#include <vector>

#include "encoder.h"
#include "team.h"

namespace poolwise {

// What one batch needs while it is on its way; kept for the next one.
struct Workspace {
    Buffer<float> hidden, next, query, key_value, context, inner, narrow;
    Buffer<unsigned char> converted;
    Buffer<float> scales;
    std::vector<Buffer<float>> mixes;  // one a maximum over several layers
    Buffer<float> first;               // the pooler's input
    std::vector<Buffer<float>> scratch;  // one a thread, for attention
};

class Walk {
public:
    Walk(const Encoder& encoder, const Batch& batch, const Reading& reading, Workspace& space,
         Team& team);
    void run();

private:
    void embed();
    void block(int number);
    void choose_rows();
    void attend();
    void attend(int sequence, int first_head, int last_head, float* scratch);
    void feed_forward(const Block& block);
    void normalize(const Norm& norm, float* rows, std::size_t stride, int count, int width);
    void read(int layer);
    void copy_hidden_states(int layer);
    void read_linear(int pool, int sequence);
    void read_maximum(int maximum, int layer, int sequence);
    void pool_first();

    // How many rows go through a block's products together.
    int step() const;
    // Rows of floats as the matrix wants its input; the same for matrices of one format and width.
    Input converted(const Matrix& m, const float* x, std::size_t stride, int rows);
    // out = epilogue(x W')
    void multiply(const Matrix& m, const Input& x, int rows, const Epilogue& e, float* out,
                  std::size_t stride);

    const Encoder& encoder_;
    const Kernels& kernels_;
    const Batch& batch_;
    const Reading& reading_;
    Workspace& space_;
    Team& team_;
    const std::size_t wide_, inner_;  // floats from row to row
    int rows_;                        // rows of `hidden` at present
    bool chosen_ = false;             // `hidden` holds the reading's rows alone
    std::vector<int> row_offsets_;    // of each sequence among the rows
    std::vector<int> places_;         // of the chosen rows, each in its own sequence
};

}  // namespace poolwise
