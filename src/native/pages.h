// Memory for weights, which every batch reads from end to end.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace poolwise {

// Zeroed memory, taken piece by piece and given back all at once. It lies in the large pages that the
// system offers: among small ones the cores look for pages for a third of the time that reading takes.
class Pages {
public:
    Pages() = default;
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    ~Pages() {
        for (const auto& [start, bytes] : mapped_) munmap(start, bytes);
    }

    unsigned char* take(std::size_t bytes) {
        bytes = (bytes + 63) / 64 * 64;
        if (bytes > left_) map(std::max(bytes, chunk));
        left_ -= bytes;
        return std::exchange(next_, next_ + bytes);
    }

private:
    static constexpr std::size_t large = 2u << 20, chunk = 64u << 20;  // untouched, it takes no memory

    void map(std::size_t bytes) {
        void* start = mmap(nullptr, bytes + large, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED) throw std::bad_alloc();
        mapped_.emplace_back(start, bytes + large);
        next_ = static_cast<unsigned char*>(start);
        next_ += -reinterpret_cast<std::uintptr_t>(start) % large;
        left_ = bytes;
#ifdef MADV_HUGEPAGE
        madvise(next_, bytes, MADV_HUGEPAGE);  // a wish: small pages do as well, only slower
#endif
    }

    unsigned char* next_ = nullptr;
    std::size_t left_ = 0;
    std::vector<std::pair<void*, std::size_t>> mapped_;
};

}  // namespace poolwise
