#include "packing.h"

#include <algorithm>
#include <cmath>

#include "check.h"

namespace poolwise {

int panel_columns(const Kernels& kernels, Format format) {
    return format == Format::f16 ? kernels.half_panel : kernels.panel;
}

Matrix LayerPacker::pack(std::initializer_list<LinearWeights> layers, int out, int in,
                         Format format, const char* name) {
    const std::size_t size = static_cast<std::size_t>(out) * in, count = layers.size();
    weights_.resize(count * size);
    bias_.resize(count * out);
    std::size_t index = 0;
    for (const LinearWeights& layer : layers) {
        std::memcpy(weights_.data() + index * size, layer.weight, size * sizeof(float));
        if (layer.bias != nullptr)
            std::memcpy(bias_.data() + index * out, layer.bias, out * sizeof(float));
        else
            std::fill_n(bias_.data() + index * out, out, 0.0f);
        ++index;
    }
    if (is_int8(format) || format == Format::i16)
        for (std::size_t i = 0; i < count * size; ++i)
            if (!std::isfinite(weights_[i]))
                throw std::invalid_argument(std::string(name) +
                                            " has weights that no integer stands for");
    return poolwise::pack(weights_.data(), bias_.data(), static_cast<int>(count) * out, in, format,
                          panel_columns(kernels_, format), pages_);
}

}  // namespace poolwise
