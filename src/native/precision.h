// The precisions that a caller can choose, as number formats of the linear layers.
#pragma once

#include <string>

#include "kernels.h"

namespace poolwise {

struct LayerFormats {
    Format attention_input;  // of the query, key and value layers
    Format other;
};

// exact: float32. near: fp16 arithmetic. fast: integers, int8 where the kernels multiply bytes,
// else int16. Throws std::invalid_argument where the kernels lack the precision or it is unknown.
LayerFormats layer_formats(const std::string& precision, const Kernels& kernels);

}  // namespace poolwise
