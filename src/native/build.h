// Builds an encoder from the caller's arrays. A built encoder is complete and immutable.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "arrays.h"
#include "encoder.h"
#include "precision.h"

namespace poolwise {

// A block's linear layers and norms by their names in Block (`key` and `value` apart), its window,
// the index of its rotary table, and its keys and queries of relative positions [heads,
// relative_rows, head_width]; absent roles and settings are those that the family lacks.
using BlockArrays =
    std::tuple<std::map<std::string, Linear>, std::map<std::string, Gains>, std::optional<int>,
               std::optional<int>, std::optional<Floats<3>>, std::optional<Floats<3>>>;

struct EncoderArrays {
    // Referenced: they must outlive the encoder.
    Floats<2> words;
    std::optional<Floats<2>> positions;
    std::optional<Floats<1>> token_type;
    // Copied.
    std::optional<Gains> norm;
    std::optional<Linear> projection;
    std::optional<Gains> projected_norm;
    std::vector<Floats<3>> rotary;  // [positions, (cos, sin), head_width / 2]
    std::vector<BlockArrays> blocks;
    std::vector<int> order;  // for each block of the pass, its index in `blocks`
    std::optional<Gains> final_norm;
    std::optional<Linear> pooler;
    std::optional<Floats<2>> relative_bias;  // [heads, 2 * relative_span - 1]
    std::optional<Ints> distance_rows;       // [2 * max_positions - 1]
};

// Throws std::invalid_argument where the arrays do not fit each other or the shape.
std::unique_ptr<const Encoder> build_encoder(const Kernels& kernels, Format format,
                                             const Shape& shape, const EncoderArrays& arrays);

}  // namespace poolwise
