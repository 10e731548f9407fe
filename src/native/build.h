// Builds an encoder from the caller's arrays. A built encoder is complete and immutable.
#pragma once

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "arrays.h"
#include "encoder.h"
#include "precision.h"

namespace poolwise {

// Query, key, value, attention output and its norm; intermediate, output and its norm.
using BlockArrays = std::tuple<Linear, Linear, Linear, Linear, Gains, Linear, Linear, Gains>;

struct EncoderArrays {
    // Referenced: they must outlive the encoder.
    Floats<2> words, positions;
    std::optional<Floats<1>> token_type;
    // Copied.
    Gains norm;
    std::optional<Linear> projection;
    std::vector<BlockArrays> blocks;
    std::optional<Linear> pooler;
    std::optional<Floats<2>> relative_bias;  // [heads, 2 * relative_span - 1]
};

// Throws std::invalid_argument where the arrays do not fit each other or the shape.
std::unique_ptr<const Encoder> build_encoder(const Kernels& kernels, LayerFormats formats,
                                             const Shape& shape, const EncoderArrays& arrays);

}  // namespace poolwise
