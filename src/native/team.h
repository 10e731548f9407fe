// A few threads that walk through one batch together, step by step.
#pragma once

#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace poolwise {

// Waits by looking for a moment, then asleep: a thread that only looks starves on a busy machine.
class Barrier {
public:
    static constexpr int patience = 10'000;  // looks: a tenth of a millisecond or so

    explicit Barrier(int size) : size_(size) {}

    int size() const { return size_; }

    void wait() {
        if (size_ == 1) return;
        const int round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.fetch_add(1, std::memory_order_acq_rel);
            round_.notify_all();
            return;
        }
        for (int look = 0; look < patience; ++look) {
            if (round_.load(std::memory_order_acquire) != round) return;
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
        round_.wait(round, std::memory_order_acquire);
    }

private:
    const int size_;
    std::atomic<int> arrived_{0};
    std::atomic<int> round_{0};
};

// This thread's place in the team, and its share of any number of equal pieces of work.
struct Member {
    int rank, size;
    Barrier& barrier;

    int begin(int pieces) const { return static_cast<int>(static_cast<long>(pieces) * rank / size); }
    int end(int pieces) const { return static_cast<int>(static_cast<long>(pieces) * (rank + 1) / size); }
    void together() const { barrier.wait(); }
};

// Calls work(member) once in each of `size` threads, this one among them, or in as many as can be had.
// `work` must not throw.
template <class Work>
void in_team(int size, const Work& work) {
    if (size == 1) {
        Barrier alone(1);
        return work(Member{0, 1, alone});
    }
    std::atomic<Barrier*> begun{nullptr};
    std::vector<std::thread> others;
    others.reserve(size - 1);
    try {
        for (int rank = 1; rank < size; ++rank)
            others.emplace_back([&, rank] {
                begun.wait(nullptr);
                Barrier& barrier = *begun.load();
                work(Member{rank, barrier.size(), barrier});
            });
    } catch (const std::system_error&) {
        size = static_cast<int>(others.size()) + 1;  // the system gives no more threads
    }
    Barrier barrier(size);
    begun.store(&barrier);
    begun.notify_all();
    work(Member{0, size, barrier});
    for (auto& other : others) other.join();
}

}  // namespace poolwise
