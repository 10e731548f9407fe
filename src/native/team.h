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

    // Calls work(begin, end) on parts of [0, pieces), in any of the threads, until all are done. It must
    // not throw.
    template <class Work>
    void share(int pieces, const Work& work) {
        if (alone() || pieces < 2) return work(0, pieces);
        share(pieces, {[](const void* w, int begin, int end) {
                           (*static_cast<const Work*>(w))(begin, end);
                       },
                       &work});
    }

private:
    friend class Crew;
    struct Step {
        void (*call)(const void* work, int begin, int end);
        const void* work;
    };
    void share(int pieces, Step step);

    Crew* crew_ = nullptr;
};

}  // namespace poolwise
