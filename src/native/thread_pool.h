// The threads that share the work of one batch, step by step.
#pragma once

namespace poolwise {

class ThreadPool;

// Exclusive use of the process's thread pool by this thread. One lease at a time has the pool's
// helper threads; any other runs its work in its own thread alone.
class ThreadLease {
public:
    explicit ThreadLease(int max_threads);
    ~ThreadLease();
    ThreadLease(const ThreadLease&) = delete;
    ThreadLease& operator=(const ThreadLease&) = delete;

    bool single_threaded() const { return pool_ == nullptr; }
    // Upper bound of the thread numbers that `work` gets. A helper that an earlier, larger lease
    // started may still run, so this can exceed max_threads.
    int threads() const;

    // Calls work(begin, end, thread) on ranges that cover [0, count), in any of the threads, and
    // returns when all of them are done. `thread`, from 0 to threads() - 1, is the number of the
    // calling thread. Where a call throws, the other ranges still run; the first exception is
    // rethrown here at the end. `work` should allocate nothing: scratch memory is allocated before
    // the work is shared.
    template <class Work>
    void parallel_for(int count, const Work& work) {
        if (single_threaded() || count < 2) return work(0, count, 0);
        run({[](const void* w, int begin, int end, int thread) {
                 (*static_cast<const Work*>(w))(begin, end, thread);
             },
             &work},
            count);
    }

private:
    friend class ThreadPool;
    struct Task {
        void (*call)(const void* work, int begin, int end, int thread);
        const void* work;
    };
    void run(Task task, int count);

    ThreadPool* pool_ = nullptr;
};

}  // namespace poolwise
