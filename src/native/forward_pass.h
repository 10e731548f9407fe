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
    void embed();
    void run_block(int layer);
    void select_rows();
    void attend();
    void attend(int sequence, int first_head, int last_head, float* scratch);
    void feed_forward(const Block& block);
    void normalize(const LayerNorm& norm, float* rows, std::size_t stride, int count, int width);

    void write_outputs(int layer);
    void copy_hidden_states(int layer);
    void pool_linear(int pool, int sequence);
    void pool_maximum(int pool, int layer, int sequence);
    void run_pooler();

    // The number of rows that go through a block's linear layers together.
    int rows_per_step() const;
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
    const std::size_t stride_, inner_stride_;  // floats from row to row
    int rows_;                                 // rows of `hidden` at present
    bool rows_selected_ = false;               // `hidden` holds only the rows that the plan needs
};

}  // namespace poolwise
