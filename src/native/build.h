// An encoder made of arrays, whole or not at all: nothing of it changes afterwards.
#pragma once

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "arrays.h"
#include "encoder.h"

namespace poolwise {

// Query, key, value, attention output and its norm; intermediate, output and its norm.
using BlockArrays = std::tuple<Linear, Linear, Linear, Linear, Gains, Linear, Linear, Gains>;

struct EncoderArrays {
    // Read where they lie, and kept.
    Floats<2> words, positions;
    std::optional<Floats<1>> type;
    // Copied.
    Gains norm;
    std::optional<Linear> projection;
    std::vector<BlockArrays> blocks;
    std::optional<Linear> pooler;
    std::optional<Floats<2>> relative;  // [heads, 2 * reach - 1]
};

// Throws std::invalid_argument where they do not fit each other.
std::unique_ptr<const Encoder> build(const Kernels& kernels, Format format, const Shape& shape,
                                     const EncoderArrays& arrays);

}  // namespace poolwise
