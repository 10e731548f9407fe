#include "os.h"

#ifdef _WIN32
#include <windows.h>  // in this file alone: its macros are called `near` and `min`
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace poolwise::os {

#ifdef _WIN32

void* map(std::size_t bytes) {
    return VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void unmap(void* start, std::size_t) { VirtualFree(start, 0, MEM_RELEASE); }

void use_large_pages(void*, std::size_t) {}  // they need a right that users lack

long long process() { return GetCurrentProcessId(); }

#else

void* map(std::size_t bytes) {
    void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return start == MAP_FAILED ? nullptr : start;
}

void unmap(void* start, std::size_t bytes) { munmap(start, bytes); }

void use_large_pages([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_HUGEPAGE
    madvise(start, bytes, MADV_HUGEPAGE);
#endif
}

long long process() { return getpid(); }

#endif

}  // namespace poolwise::os
