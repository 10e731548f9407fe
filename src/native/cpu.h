// The kernels that this CPU can run, best first; the last are those that every CPU runs.
#pragma once

#include <vector>

#include "kernels.h"

namespace poolwise {

const std::vector<const Kernels*>& available_kernels();

}  // namespace poolwise
