#include "matrix.h"

#include <algorithm>
#include <cmath>

#include "half.h"

namespace poolwise {
namespace {

int inputs_per_step(Format format) {
    switch (format) {
        case Format::i16: return 2;
        case Format::i8: return 4;
        case Format::i8x8: return 8;
        default: return 1;
    }
}

// Of a column's weights.
int bytes_per_step(Format format) {
    return format == Format::f16 ? 2 : format == Format::i8x8 ? 8 : 4;
}

unsigned char* weight_address(Matrix& m, int output, int input) {
    const int inputs = inputs_per_step(m.format), bytes = bytes_per_step(m.format);
    const std::size_t step = static_cast<std::size_t>(input / inputs) * m.panel + output % m.panel;
    return m.data + (output / m.panel) * m.panel_bytes + step * bytes +
           (input % inputs) * (bytes / inputs);
}

template <class T>
void store(unsigned char* address, T value) {
    std::memcpy(address, &value, sizeof value);
}

void pack_floats(Matrix& m, const float* weights) {
    for (int o = 0; o < m.out; ++o)
        for (int i = 0; i < m.in; ++i) {
            const float weight = weights[static_cast<std::size_t>(o) * m.in + i];
            if (m.format == Format::f16)
                store(weight_address(m, o, i), to_half(weight));
            else
                store(weight_address(m, o, i), weight);
        }
}

// One group of inputs of output o, whose weights are `row`.
void pack_group(Matrix& m, const float* row, int o, int group) {
    const int begin = group * m.group, end = std::min(m.in, begin + m.group);
    float largest = 0;
    for (int i = begin; i < end; ++i) largest = std::max(largest, std::fabs(row[i]));
    double square = 0;  // beyond the range of floats
    for (int i = begin; i < end; ++i) square += static_cast<double>(row[i]) * row[i];
    const float scale =
        is_int8(m.format)
            ? largest / int8_limit
            : std::max(largest / int16_limit, static_cast<float>(std::sqrt(square) / int16_norm));
    int sum = 0;
    for (int i = begin; i < end; ++i) {
        // Quotients by a scale without full precision might not fit.
        const int quantized =
            scale > least_scale ? static_cast<int>(std::nearbyint(row[i] / scale)) : 0;
        sum += quantized;
        if (is_int8(m.format))
            store(weight_address(m, o, i), static_cast<int8_t>(quantized));
        else
            store(weight_address(m, o, i), static_cast<int16_t>(quantized));
    }
    const std::size_t index =
        (static_cast<std::size_t>(o / m.panel) * m.groups + group) * m.panel + o % m.panel;
    m.scales[index] = scale;
    if (is_int8(m.format)) m.initial[index] = -128 * sum;
}

}  // namespace

Matrix pack(const float* weights, const float* bias, int out, int in, Format format, int panel,
            Pages& pages) {
    Matrix m;
    m.format = format;
    m.in = in;
    m.out = out;
    m.panel = panel;
    m.panels = (out + panel - 1) / panel;
    const int inputs = inputs_per_step(format);
    m.steps = (in + inputs - 1) / inputs;
    m.panel_bytes = static_cast<std::size_t>(m.steps) * panel * bytes_per_step(format);
    m.data = pages.allocate(m.panels * m.panel_bytes);
    m.bias.resize(static_cast<std::size_t>(m.panels) * panel);
    if (bias != nullptr) std::copy(bias, bias + out, m.bias.data());
    if (format == Format::f32 || format == Format::f16) {
        pack_floats(m, weights);
        return m;
    }
    m.group = integer_group;
    m.groups = (in + m.group - 1) / m.group;
    m.scales.resize(static_cast<std::size_t>(m.panels) * m.groups * panel);
    if (is_int8(format)) m.initial.resize(m.scales.size());
    for (int o = 0; o < out; ++o)
        for (int g = 0; g < m.groups; ++g)
            pack_group(m, weights + static_cast<std::size_t>(o) * in, o, g);
    return m;
}

std::size_t converted_bytes(const Matrix& m) {
    const int step = m.format == Format::i8x8 ? 8 : 4;  // fp16: pairs of equal halves
    const std::size_t bytes = static_cast<std::size_t>(m.steps) * step;
    const std::size_t excess = is_int8(m.format) ? sizeof(Excess) : 0;
    return (bytes + 63) / 64 * 64 + excess +
           64;  // no power of two, which would map rows to the same cache sets
}

}  // namespace poolwise
