// The forward pass of one batch through an encoder, with its outputs pooled on the way.
#pragma once

#include <algorithm>

#include "encoder.h"
#include "thread_pool.h"
#include "workspace.h"

namespace poolwise {

class ForwardPass {
public:
    // `workspace` has room for this batch and plan in every thread of the lease.
    ForwardPass(const Encoder& encoder, const Batch& batch, const OutputPlan& plan,
                Workspace& workspace, ThreadLease& threads);
    void run();

private:
    void embed(int first, int count);
    void run_block(int layer);
    void project(const Block& block, int first, int count, bool keys_values, bool queries);
    void select_rows();
    void attend(const Block& block);
    void attend(const Block& block, int sequence, int first_head, int last_head, float* scratch);
    void add_attention(const Block& block, int first, int count);
    void add_feed_forward(const Block& block, int first, int count);
    void rotate(const Block& block, float* rows, std::size_t stride, int first, int count,
                int heads);

    void write_outputs(int layer);
    void copy_hidden_states(int layer);
    void pool_linear(int pool, int sequence);
    void pool_maximum(int pool, int layer, int sequence);
    void run_pooler();

    // Calls work(first, count) for the rows of each step.
    template <class Work>
    void for_steps(const Work& work) {
        const int step = workspace_.rows_per_step;
        for (int r = 0; r < rows_; r += step) work(r, std::min(step, rows_ - r));
    }
    // Normalizes rows in place where the norm exists.
    void normalize(const Norm& norm, float* rows, std::size_t stride, int count, int width);
    void normalize(const Norm& norm, const float* rows, float* out, std::size_t stride, int count,
                   int width);
    // Rows of hidden states, normalized in memory of their own where the norm exists.
    const float* normalized(const Norm& norm, const float* rows, int count);
    // Converts rows of floats to the input format of m; equal for matrices of one format and width.
    LinearInput convert(const Matrix& m, const float* x, std::size_t stride, int rows);
    // out = epilogue(x W')
    void multiply(const Matrix& m, const LinearInput& x, int rows, const Epilogue& epilogue,
                  float* out, std::size_t stride);
    // Calls work(begin, end) on ranges of rows, in parallel.
    template <class Work>
    void for_rows(int rows, const Work& work) {
        constexpr int rows_per_task = 8;  // sharing single rows would cost more than their work
        const int tasks = (rows + rows_per_task - 1) / rows_per_task;
        threads_.parallel_for(tasks, [&](int begin, int end, int) {
            work(begin * rows_per_task, std::min(end * rows_per_task, rows));
        });
    }

    const Encoder& encoder_;
    const Kernels& kernels_;
    const Batch& batch_;
    const OutputPlan& plan_;
    Workspace& workspace_;
    ThreadLease& threads_;
    // Floats from row to row: of hidden states, queries, keys with values, inner activations.
    const std::size_t stride_, query_stride_, key_value_stride_, inner_stride_;
    int rows_;                    // rows of `hidden` at present
    bool rows_selected_ = false;  // `hidden` holds only the rows that the plan needs
};

}  // namespace poolwise
