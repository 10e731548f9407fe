#include "thread_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "os.h"

namespace poolwise {
namespace {

constexpr int max_pool_threads = 64;

// Waits until `word` differs from `value`. Spins first, because the change usually comes within
// microseconds; then stays awake for the next request, which a sleeping thread joins late; then
// sleeps. Yields meanwhile, and sleeps at once where another thread takes the core: a thread that
// is awake starves the others on a busy machine, and a sleeping one is woken before them.
void wait_for_change(const std::atomic<int>& word, int value) {
    constexpr int max_spins = 2'000;
    for (int spin = 0; spin < max_spins; ++spin) {
        if (word.load(std::memory_order_acquire) != value) return;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::microseconds awake(1'000), taken(20);
    const auto begin = Clock::now();
    for (auto now = begin; now - begin < awake;) {
        if (word.load(std::memory_order_acquire) != value) return;
        std::this_thread::yield();
        const auto before = std::exchange(now, Clock::now());
        if (now - before > taken) break;
    }
    word.wait(value, std::memory_order_acquire);
}

// One thread's range of a task's indices. Other threads steal from it when their own range is
// empty.
struct alignas(64) IndexRange {
    std::atomic<int> remaining{0};
    int end = 0;

    // An index that no other thread has; negative when none is left. A task cannot end while a
    // claimed index is unfinished, so the task's data may be read until then.
    int claim() {
        int count = remaining.load(std::memory_order_relaxed);
        while (count > 0 &&
               !remaining.compare_exchange_weak(count, count - 1, std::memory_order_acquire,
                                                std::memory_order_relaxed)) {
        }
        return count > 0 ? end - count : -1;
    }
};

}  // namespace

// The process's helper threads. A task never waits for a helper that has claimed no index: a helper
// that wakes late, or whose core is busy, only leaves more indices to the others.
class ThreadPool {
public:
    // The pool with up to `max_threads` threads, or null when another lease has it.
    static ThreadPool* acquire(int max_threads) {
        // Threads do not survive a fork: a child process needs a pool of its own.
        ThreadPool* pool = current.load(std::memory_order_acquire);
        if (pool == nullptr || pool->process_ != os::process()) {
            auto* new_pool = new ThreadPool;
            if (current.compare_exchange_strong(pool, new_pool))
                pool = new_pool;
            else
                delete new_pool;
        }
        if (pool->leased_.exchange(true, std::memory_order_acquire)) return nullptr;
        pool->start_helpers(std::min(max_threads, max_pool_threads));
        if (pool->active_ > 1) return pool;
        pool->release();
        return nullptr;
    }

    void release() { leased_.store(false, std::memory_order_release); }

    void run(ThreadLease::Task task, int count) {
        const int active = active_.load(std::memory_order_relaxed);
        task_ = task;
        finished_.store(0, std::memory_order_relaxed);
        for (int thread = 0; thread < active; ++thread) {
            const long long total = count;
            const int begin = static_cast<int>(total * thread / active);
            const int end = static_cast<int>(total * (thread + 1) / active);
            ranges_[thread].end = end;
            ranges_[thread].remaining.store(end - begin, std::memory_order_release);
        }
        generation_.fetch_add(1, std::memory_order_release);
        generation_.notify_all();
        const int helper_count = count - run_indices(0);  // indices that helpers have claimed
        for (int finished; (finished = finished_.load(std::memory_order_acquire)) != helper_count;)
            wait_for_change(finished_, finished);
        if (failed_.load(std::memory_order_relaxed)) {
            failed_.store(false, std::memory_order_relaxed);
            std::rethrow_exception(std::exchange(exception_, nullptr));
        }
    }

    int threads() const { return threads_; }

private:
    // Starts helpers until there are `max_threads` threads, or as many as the system allows.
    void start_helpers(int max_threads) {
        try {
            for (; threads_ < max_threads; ++threads_)
                std::thread(&ThreadPool::helper_loop, this, threads_).detach();
        } catch (const std::exception&) {  // no more threads, or no memory for them
        }
        active_.store(std::min(max_threads, threads_), std::memory_order_relaxed);
    }

    // Runs the task on indices until none is left, the thread's own range first; returns their
    // number.
    int run_indices(int thread) {
        const int active = active_.load(std::memory_order_relaxed);
        int count = 0;
        for (int r = thread; r < thread + active; ++r)
            for (int index; (index = ranges_[r % active].claim()) >= 0; ++count) try {
                    task_.call(task_.work, index, index + 1, thread);
                } catch (...) {  // the task goes on: other threads still use its data
                    if (!failed_.exchange(true, std::memory_order_relaxed))
                        exception_ = std::current_exception();
                }
        return count;
    }

    void helper_loop(int thread) {
        for (int generation = 0;; generation = generation_.load(std::memory_order_acquire)) {
            if (thread < active_.load(std::memory_order_relaxed))
                if (const int count = run_indices(thread)) {
                    finished_.fetch_add(count, std::memory_order_release);
                    finished_.notify_one();
                }
            wait_for_change(generation_, generation);
        }
    }

    static std::atomic<ThreadPool*> current;

    const long long process_ = os::process();
    std::atomic<int> leased_{false};  // int: RISC-V exchanges no bytes without a library
    int threads_ = 1;  // the leasing thread and the helpers; written only by the lease's owner
    std::atomic<int> active_{1};  // threads that take part in the current lease
    ThreadLease::Task task_{};
    std::atomic<int> failed_{false};
    std::exception_ptr exception_;  // written by the thread that sets failed_ first
    alignas(64) std::atomic<int> generation_{0};
    alignas(64) std::atomic<int> finished_{0};  // indices that helpers have run
    std::array<IndexRange, max_pool_threads> ranges_;
};

std::atomic<ThreadPool*> ThreadPool::current{nullptr};

ThreadLease::ThreadLease(int max_threads)
    : pool_(max_threads > 1 ? ThreadPool::acquire(max_threads) : nullptr) {}

ThreadLease::~ThreadLease() {
    if (pool_ != nullptr) pool_->release();
}

int ThreadLease::threads() const { return single_threaded() ? 1 : pool_->threads(); }

void ThreadLease::run(Task task, int count) { pool_->run(task, count); }

}  // namespace poolwise
