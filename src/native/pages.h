// Memory for weights in large pages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "os.h"

namespace poolwise {

// An arena of zeroed memory, freed all at once. It uses the system's large pages: every batch reads
// all weights, and with small pages address translation takes a third of the time of reading them.
class Pages {
public:
    Pages() = default;
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    ~Pages() {
        for (const auto& [start, bytes] : mapped_) os::unmap(start, bytes);
    }

    unsigned char* allocate(std::size_t bytes) {
        bytes = (bytes + 63) / 64 * 64;
        if (bytes > remaining_) map(std::max(bytes, chunk));
        remaining_ -= bytes;
        return std::exchange(next_, next_ + bytes);
    }

private:
    static constexpr std::size_t page = 2u << 20, chunk = 64u << 20;  // unused parts take no memory

    void map(std::size_t bytes) {
        mapped_.reserve(mapped_.size() + 1);
        void* start = os::map(bytes + page);
        if (start == nullptr) throw std::bad_alloc();
        mapped_.emplace_back(start, bytes + page);
        next_ = static_cast<unsigned char*>(start);
        next_ += -reinterpret_cast<std::uintptr_t>(start) % page;
        remaining_ = bytes;
        os::use_large_pages(next_, bytes);
    }

    unsigned char* next_ = nullptr;
    std::size_t remaining_ = 0;
    std::vector<std::pair<void*, std::size_t>> mapped_;
};

}  // namespace poolwise
