// Zeroed memory on a cache line's boundary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace poolwise {

template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(std::size_t count) { resize(count); }
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data_); }

    // At least `count` elements; what was there is gone where it has to grow.
    void resize(std::size_t count) {
        if (count <= count_) return;
        if (count > (SIZE_MAX - 63) / sizeof(T)) throw std::bad_alloc();
        const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
        T* fresh = static_cast<T*>(std::aligned_alloc(64, bytes));
        if (fresh == nullptr) throw std::bad_alloc();
        std::memset(static_cast<void*>(fresh), 0, bytes);
        std::free(data_);
        data_ = fresh;
        count_ = count;
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }
    std::size_t size() const { return count_; }

private:
    void swap(Buffer& other) {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
    }

    T* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace poolwise
