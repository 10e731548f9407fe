// What does not hold is said.
#pragma once

#include <stdexcept>
#include <string>

namespace poolwise {

inline void expect(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}
inline void expect(bool holds, const std::string& what) { expect(holds, what.c_str()); }

// "ids[3] is 40000, expected 0 to 30521"
inline void expect_within(long value, long first, long last, const char* name, long at = -1) {
    if (first <= value && value <= last) return;
    const std::string index = at < 0 ? "" : "[" + std::to_string(at) + "]";
    throw std::invalid_argument(name + index + " is " + std::to_string(value) + ", expected " +
                                std::to_string(first) + " to " + std::to_string(last));
}

}  // namespace poolwise
