// The kernels that this CPU can run, best first; empty where it can run none.
#pragma once

#include <vector>

#include "kernels.h"

namespace poolwise {

const std::vector<const Kernels*>& available_kernels();

}  // namespace poolwise
