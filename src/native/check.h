// Checks of what a caller passes; they throw std::invalid_argument.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace poolwise {

inline void expect(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}
inline void expect(bool condition, const std::string& message) {
    expect(condition, message.c_str());
}

// The message reads, for example, "ids[3] is 40000, expected 0 to 30521"
inline void expect_within(std::int64_t value, std::int64_t first, std::int64_t last,
                          const char* name, std::int64_t index = -1) {
    if (first <= value && value <= last) return;
    const std::string subscript = index < 0 ? "" : "[" + std::to_string(index) + "]";
    throw std::invalid_argument(name + subscript + " is " + std::to_string(value) + ", expected " +
                                std::to_string(first) + " to " + std::to_string(last));
}

}  // namespace poolwise
