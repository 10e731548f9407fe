// Zeroed memory, aligned to a cache line.
#pragma once

#include <cstddef>
#include <cstdint>
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
    ~Buffer() { release(data_); }

    // Makes room for at least `count` elements. Growing discards the values.
    void resize(std::size_t count) {
        if (count <= count_) return;
        if (count > (SIZE_MAX - 63) / sizeof(T)) throw std::bad_alloc();
        const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
        T* allocation = static_cast<T*>(::operator new(bytes, alignment));
        std::memset(static_cast<void*>(allocation), 0, bytes);
        release(data_);
        data_ = allocation;
        count_ = count;
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }
    std::size_t size() const { return count_; }

private:
    static constexpr std::align_val_t alignment{64};

    static void release(T* data) { ::operator delete(data, alignment); }

    void swap(Buffer& other) {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
    }

    T* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace poolwise
