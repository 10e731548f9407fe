// Arrays that Python passes: of the right type, contiguous, on the CPU. Everything else about them
// is unchecked: shape, alignment, values.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "check.h"

namespace poolwise {

namespace nb = nanobind;

template <int Dimensions>
using Floats = nb::ndarray<const float, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
using Ints = nb::ndarray<const int, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
// Weight [out, in] and bias [out], or gain and bias, [width] each; either may lack the bias.
using Linear = std::pair<Floats<2>, std::optional<Floats<1>>>;
using Gains = std::pair<Floats<1>, std::optional<Floats<1>>>;

// nanobind accepts None as an array inside a tuple.
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

template <class Array>
void expect_shape(const Array& array, std::initializer_list<int> shape, const char* name) {
    expect_array(array);
    bool equal = array.ndim() == shape.size();
    std::string actual, expected;
    std::size_t axis = 0;
    for (int size : shape) {
        equal = equal && array.shape(axis) == static_cast<std::size_t>(size);
        actual += (axis ? ", " : "") + std::to_string(array.shape(axis));
        expected += (axis++ ? ", " : "") + std::to_string(size);
    }
    if (!equal)
        throw std::invalid_argument(std::string(name) + " has shape [" + actual + "], expected [" +
                                    expected + "]");
}

template <class Array>
void expect_aligned(const Array& array, const char* name) {
    if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(float))
        throw std::invalid_argument(std::string(name) + " does not lie on a float's boundary");
}

// Copies bytes, because an array need not be aligned.
template <class T, class Array>
void copy_bytes(T* out, const Array& array) {
    if (array.size()) std::memcpy(out, array.data(), array.size() * sizeof(T));
}

template <class T, class Array>
std::vector<T> to_vector(const Array& array) {
    for (std::size_t axis = 0; axis < array.ndim(); ++axis) extent(array, static_cast<int>(axis));
    std::vector<T> values(array.size());
    copy_bytes(values.data(), array);
    return values;
}

}  // namespace poolwise
