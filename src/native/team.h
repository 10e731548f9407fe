// Threads that work through one batch together, step by step.
#pragma once

namespace poolwise {

class Crew;

// This thread, and helpers from the process's crew where they can be had. One team at a time has the
// crew; whoever comes meanwhile works alone.
class Team {
public:
    explicit Team(int wanted);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    bool alone() const { return crew_ == nullptr; }
    // Threads that may come to help: this team's, and those that a larger one before it woke.
    int threads() const;

    // Calls work(begin, end, thread) on parts of [0, pieces), in any of the threads, until all are done;
    // `thread`, from 0 to threads() - 1, is the caller's own number. Where one throws, the others go on,
    // and the first of what was thrown is thrown here at the end.
    template <class Work>
    void share(int pieces, const Work& work) {
        if (alone() || pieces < 2) return work(0, pieces, 0);
        share(pieces, {[](const void* w, int begin, int end, int thread) {
                           (*static_cast<const Work*>(w))(begin, end, thread);
                       },
                       &work});
    }

private:
    friend class Crew;
    struct Step {
        void (*call)(const void* work, int begin, int end, int thread);
        const void* work;
    };
    void share(int pieces, Step step);

    Crew* crew_ = nullptr;
};

}  // namespace poolwise
