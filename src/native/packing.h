// Linear layers as a checkpoint holds them, packed for the kernels.
#pragma once

#include <initializer_list>

#include "kernels.h"

namespace poolwise {

// Float32 weight [out, in] and bias [out] (null: none), which need not be aligned.
struct LinearWeights {
    const void* weight;
    const void* bias;
};

// The number of output columns in a panel of this format.
int panel_columns(const Kernels& kernels, Format format);

class LayerPacker {
public:
    // `pages` owns the packed weights.
    LayerPacker(const Kernels& kernels, Pages& pages) : kernels_(kernels), pages_(pages) {}

    // Packs layers over the same input, [out, in] each, stacked along their outputs. Throws
    // std::invalid_argument with `name` where an integer format cannot represent a weight.
    Matrix pack(std::initializer_list<LinearWeights> layers, int out, int in, Format format,
                const char* name);

private:
    const Kernels& kernels_;
    Pages& pages_;
    Buffer<float> weights_, bias_;  // of the layers that are being packed
};

}  // namespace poolwise
