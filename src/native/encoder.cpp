#include "encoder.h"

#include "team.h"
#include "walk.h"

namespace poolwise {

Encoder::Encoder(const Kernels& kernels, Shape shape) : kernels(kernels), shape(shape) {}
Encoder::~Encoder() = default;

void Encoder::run(const Batch& batch, const Reading& reading, int threads) const {
    auto space = borrow();
    Team team(threads);
    Walk(*this, batch, reading, *space, team).run();
    give_back(std::move(space));
}

std::unique_ptr<Workspace> Encoder::borrow() const {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Workspace>();
    auto space = std::move(idle_.back());
    idle_.pop_back();
    return space;
}

void Encoder::give_back(std::unique_ptr<Workspace> space) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(space));
}

}  // namespace poolwise
