#include "team.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <thread>
#include <utility>

namespace poolwise {
namespace {

constexpr int most = 64;  // threads

// Waits until there is another value than this: first looking, for it comes within microseconds as a
// rule, then asleep, for a thread that only looks starves the others on a busy machine.
void wait_for_change(const std::atomic<int>& word, int value) {
    constexpr int patience = 2'000;  // looks
    for (int look = 0; look < patience; ++look) {
        if (word.load(std::memory_order_acquire) != value) return;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    word.wait(value, std::memory_order_acquire);
}

// A member's own share of a step's pieces, of which the others take when they have none left.
struct alignas(64) Share {
    std::atomic<int> left{0};
    int end = 0;

    // A piece that nobody else has; negative when there is none left. While somebody has one, the step
    // cannot end, so what belongs to it may be read.
    int take() {
        int now = left.load(std::memory_order_relaxed);
        while (now > 0 && !left.compare_exchange_weak(now, now - 1, std::memory_order_acquire,
                                                      std::memory_order_relaxed)) {
        }
        return now > 0 ? end - now : -1;
    }
};

}  // namespace

// The process's helpers. They are never waited for before they have taken a piece of a step: one that
// wakes late, or finds its core busy, only leaves more to the others.
class Crew {
public:
    // The crew with helpers for a team of so many, or null when another team has it.
    static Crew* borrow(int wanted) {
        // Threads do not survive a fork: a child needs a crew of its own.
        Crew* crew = current.load(std::memory_order_acquire);
        if (crew == nullptr || crew->process_ != getpid()) {
            auto* made = new Crew;
            if (current.compare_exchange_strong(crew, made))
                crew = made;
            else
                delete made;
        }
        if (crew->taken_.exchange(true, std::memory_order_acquire)) return nullptr;
        crew->gather(std::min(wanted, most));
        if (crew->members_ > 1) return crew;
        crew->give_back();
        return nullptr;
    }

    void give_back() { taken_.store(false, std::memory_order_release); }

    void share(int pieces, Team::Step step) {
        const int members = members_.load(std::memory_order_relaxed);
        step_ = step;
        done_.store(0, std::memory_order_relaxed);
        for (int m = 0; m < members; ++m) {
            const long all = pieces;
            const int begin = static_cast<int>(all * m / members);
            const int end = static_cast<int>(all * (m + 1) / members);
            shares_[m].end = end;
            shares_[m].left.store(end - begin, std::memory_order_release);
        }
        calls_.fetch_add(1, std::memory_order_release);
        calls_.notify_all();
        const int others = pieces - work(0);
        for (int done; (done = done_.load(std::memory_order_acquire)) != others;)
            wait_for_change(done_, done);
        if (failed_.load(std::memory_order_relaxed)) {
            failed_.store(false, std::memory_order_relaxed);
            std::rethrow_exception(std::exchange(failure_, nullptr));
        }
    }

    int threads() const { return threads_; }

private:
    // Makes the threads that there are too few of.
    void gather(int wanted) {
        try {
            for (; threads_ < wanted; ++threads_) std::thread(&Crew::help, this, threads_).detach();
        } catch (const std::exception&) {  // the system gives no more threads, or no memory for them
        }
        members_.store(std::min(wanted, threads_), std::memory_order_relaxed);
    }

    // Takes pieces while there are any; returns how many.
    int work(int member) {
        const int members = members_.load(std::memory_order_relaxed);
        int done = 0;
        for (int m = member; m < member + members; ++m)
            for (int piece; (piece = shares_[m % members].take()) >= 0; ++done) try {
                    step_.call(step_.work, piece, piece + 1, member);
                } catch (...) {  // the step goes on to its end: the others hold what it is made of
                    if (!failed_.exchange(true, std::memory_order_relaxed))
                        failure_ = std::current_exception();
                }
        return done;
    }

    void help(int member) {
        for (int call = 0;; call = calls_.load(std::memory_order_acquire)) {
            if (member < members_.load(std::memory_order_relaxed))
                if (const int done = work(member)) {
                    done_.fetch_add(done, std::memory_order_release);
                    done_.notify_one();
                }
            wait_for_change(calls_, call);
        }
    }

    static std::atomic<Crew*> current;

    const pid_t process_ = getpid();
    std::atomic<bool> taken_{false};
    int threads_ = 1;  // those who borrow the crew, and helpers; changes only where it is borrowed
    std::atomic<int> members_{1};
    Team::Step step_{};
    std::atomic<bool> failed_{false};
    std::exception_ptr failure_;  // of the step; who sets `failed_` first writes it
    alignas(64) std::atomic<int> calls_{0};
    alignas(64) std::atomic<int> done_{0};
    std::array<Share, most> shares_;
};

std::atomic<Crew*> Crew::current{nullptr};

Team::Team(int wanted) : crew_(wanted > 1 ? Crew::borrow(wanted) : nullptr) {}

Team::~Team() {
    if (crew_ != nullptr) crew_->give_back();
}

int Team::threads() const { return alone() ? 1 : crew_->threads(); }

void Team::share(int pieces, Step step) { crew_->share(pieces, step); }

}  // namespace poolwise
