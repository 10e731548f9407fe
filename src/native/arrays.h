// Arrays as Python hands them over: of the right type, contiguous, in this machine's memory; nothing
// else is known of them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "check.h"

namespace poolwise {

namespace nb = nanobind;

template <int Dimensions>
using Floats = nb::ndarray<const float, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
using Ints = nb::ndarray<const int, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Linear = std::pair<Floats<2>, Floats<1>>;  // weight [out, in], bias [out]
using Gains = std::pair<Floats<1>, Floats<1>>;   // gain and bias, [width] each

// In a tuple None passes for an array.
template <class Array>
void expect_array(const Array& array) {
    if (!array.is_valid()) throw nb::type_error("None is no array");
}

template <class Array>
int extent(const Array& array, int axis) {
    expect_array(array);
    expect(array.shape(axis) < (1u << 30), "an array is larger than any encoder's");
    return static_cast<int>(array.shape(axis));
}

// The shape, and whether floats can be read where it lies.
template <class Array>
void expect_shape(const Array& array, std::initializer_list<int> shape, const char* name) {
    expect_array(array);
    bool same = array.ndim() == shape.size();
    std::string found, expected;
    std::size_t axis = 0;
    for (int size : shape) {
        same = same && array.shape(axis) == static_cast<std::size_t>(size);
        found += (axis ? ", " : "") + std::to_string(array.shape(axis));
        expected += (axis++ ? ", " : "") + std::to_string(size);
    }
    if (!same)
        throw std::invalid_argument(std::string(name) + " has shape [" + found + "], expected [" +
                                    expected + "]");
}

template <class Array>
void expect_aligned(const Array& array, const char* name) {
    if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(float))
        throw std::invalid_argument(std::string(name) + " does not lie on a float's boundary");
}

// Bytes, for an array need not lie on the boundary of its type.
template <class T, class Array>
void copy_into(T* to, const Array& array) {
    if (array.size()) std::memcpy(to, array.data(), array.size() * sizeof(T));
}

template <class T, class Array>
std::vector<T> copied(const Array& array) {
    for (std::size_t axis = 0; axis < array.ndim(); ++axis) extent(array, static_cast<int>(axis));
    std::vector<T> made(array.size());
    copy_into(made.data(), array);
    return made;
}

}  // namespace poolwise
