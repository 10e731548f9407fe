#include "precision.h"

#include "check.h"

namespace poolwise {

bool has_precision(const std::string& precision, const Kernels& kernels) {
    if (precision == "near") return kernels.near != Format::f32;
    if (precision == "fast") return kernels.fast != Format::f32;
    return precision == "exact";
}

Format layer_format(const std::string& precision, const Kernels& kernels) {
    expect(has_precision(precision, kernels), "this CPU does not run at " + precision);
    if (precision == "exact") return Format::f32;
    return precision == "near" ? kernels.near : kernels.fast;
}

}  // namespace poolwise
