// The precisions that a caller can choose, as the number format of the linear layers,
// which attention follows where the kernels can.
#pragma once

#include <string>

#include "kernels.h"

namespace poolwise {

// Whether the kernels run at this precision with formats of its own.
bool has_precision(const std::string& precision, const Kernels& kernels);

// exact: float32. near: fp16 where the kernels compute in it, else int16. fast: int8 where they
// multiply bytes, else int16. Throws std::invalid_argument where the kernels lack the precision or
// it is unknown.
Format layer_format(const std::string& precision, const Kernels& kernels);

}  // namespace poolwise
