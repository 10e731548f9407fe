// Which kernels this CPU can run, the best first. Empty where none of ours can.
#pragma once

#include <vector>

#include "kernels.h"

namespace poolwise {

const std::vector<const Kernels*>& available_kernels();

}  // namespace poolwise
