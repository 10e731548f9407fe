#include "encoder.h"

#include "team.h"
#include "walk.h"

namespace poolwise {

Encoder::Encoder(const Kernels& kernels, Shape shape) : kernels(kernels), shape(shape) {}

Encoder::~Encoder() {
    for (auto& place : idle_) delete place.load(std::memory_order_acquire);
}

void Encoder::run(const Batch& batch, const Reading& reading, int threads) const {
    auto space = borrow();
    Team team(threads);
    Walk(*this, batch, reading, *space, team).run();
    give_back(std::move(space));
}

std::unique_ptr<Workspace> Encoder::borrow() const {
    for (auto& place : idle_)
        if (place.load(std::memory_order_relaxed) != nullptr)
            if (Workspace* space = place.exchange(nullptr, std::memory_order_acq_rel))
                return std::unique_ptr<Workspace>(space);
    return std::make_unique<Workspace>();
}

void Encoder::give_back(std::unique_ptr<Workspace> space) const noexcept {
    for (auto& place : idle_) {
        Workspace* none = nullptr;
        if (place.compare_exchange_strong(none, space.get(), std::memory_order_acq_rel)) {
            space.release();
            return;
        }
    }
}

}  // namespace poolwise
