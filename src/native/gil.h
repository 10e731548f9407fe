// Python's lock, released while the core computes.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace poolwise {

class ReleasedGil {
public:
    ReleasedGil() : thread_(PyEval_SaveThread()) {}

    // While the interpreter ends, a daemon thread that asks for the lock is ended by pthread_exit,
    // whose unwinding a destructor would turn into an abort of the process. The thread waits for
    // the process's end instead, as from Python 3.14 on.
    ~ReleasedGil() {
        try {
            PyEval_RestoreThread(thread_);
        } catch (...) {
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
    }

    ReleasedGil(const ReleasedGil&) = delete;
    ReleasedGil& operator=(const ReleasedGil&) = delete;

private:
    PyThreadState* thread_;
};

}  // namespace poolwise
