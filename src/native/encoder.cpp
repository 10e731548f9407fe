#include "encoder.h"

#include <algorithm>

#include "forward_pass.h"
#include "thread_pool.h"

namespace poolwise {

Encoder::Encoder(const Kernels& kernels, Shape shape) : kernels(kernels), shape(shape) {}

Encoder::~Encoder() {
    for (auto& slot : idle_workspaces_) delete slot.load(std::memory_order_acquire);
}

int Encoder::max_sequence() const {
    const int positions = embeddings.max_positions;
    return relative_span ? std::min(relative_span, positions) : positions;
}

void Encoder::run(const Batch& batch, const OutputPlan& plan, int threads) const {
    auto workspace = acquire_workspace();
    ThreadLease lease(threads);
    workspace->reserve(*this, batch, plan, lease.threads());
    ForwardPass(*this, batch, plan, *workspace, lease).run();
    release_workspace(std::move(workspace));
}

std::unique_ptr<Workspace> Encoder::acquire_workspace() const {
    for (auto& slot : idle_workspaces_)
        if (slot.load(std::memory_order_relaxed) != nullptr)
            if (Workspace* workspace = slot.exchange(nullptr, std::memory_order_acq_rel))
                return std::unique_ptr<Workspace>(workspace);
    return std::make_unique<Workspace>();
}

void Encoder::release_workspace(std::unique_ptr<Workspace> workspace) const noexcept {
    for (auto& slot : idle_workspaces_) {
        Workspace* empty = nullptr;
        if (slot.compare_exchange_strong(empty, workspace.get(), std::memory_order_acq_rel)) {
            workspace.release();
            return;
        }
    }
}

}  // namespace poolwise
