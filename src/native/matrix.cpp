// Repacking of weights at load.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "half.h"
#include "kernels.h"

namespace poolwise {
namespace {

int inputs_a_step(Format format) {
    return format == Format::i8 ? 4 : format == Format::i16 ? 2 : 1;
}

int bytes_a_step(Format format) { return format == Format::f16 ? 2 : 4; }

// Where the weight of output o and input i lies.
unsigned char* place(Matrix& m, int o, int i) {
    const int inputs = inputs_a_step(m.format), bytes = bytes_a_step(m.format);
    const std::size_t step = static_cast<std::size_t>(i / inputs) * m.panel + o % m.panel;
    return m.data + (o / m.panel) * m.panel_bytes + step * bytes +
           (i % inputs) * (bytes / inputs);
}

template <class T>
void put(unsigned char* at, T value) {
    std::memcpy(at, &value, sizeof value);
}

void pack_plain(Matrix& m, const float* weights) {
    for (int o = 0; o < m.out; ++o)
        for (int i = 0; i < m.in; ++i) {
            const float w = weights[static_cast<std::size_t>(o) * m.in + i];
            if (m.format == Format::f16)
                put(place(m, o, i), to_half(w));
            else
                put(place(m, o, i), w);
        }
}

void pack_group(Matrix& m, const float* row, int o, int g) {
    const int begin = g * m.group, end = std::min(m.in, begin + m.group);
    float largest = 0;
    for (int i = begin; i < end; ++i) largest = std::max(largest, std::fabs(row[i]));
    const float limit = integer_limit(m.format), scale = largest / limit;
    int sum = 0;
    for (int i = begin; i < end; ++i) {
        const int whole = scale > 0 ? static_cast<int>(std::nearbyint(row[i] / scale)) : 0;
        sum += whole;
        if (m.format == Format::i8)
            put(place(m, o, i), static_cast<int8_t>(whole));
        else
            put(place(m, o, i), static_cast<int16_t>(whole));
    }
    const std::size_t at =
        (static_cast<std::size_t>(o / m.panel) * m.groups + g) * m.panel + o % m.panel;
    m.scales[at] = scale;
    if (m.format == Format::i8) m.start[at] = -128 * sum;
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
    const int inputs = inputs_a_step(format);
    m.steps = (in + inputs - 1) / inputs;
    m.panel_bytes = static_cast<std::size_t>(m.steps) * panel * bytes_a_step(format);
    m.data = pages.take(m.panels * m.panel_bytes);
    m.bias.resize(static_cast<std::size_t>(m.panels) * panel);
    if (bias != nullptr) std::copy(bias, bias + out, m.bias.data());
    if (format == Format::f32 || format == Format::f16) {
        pack_plain(m, weights);
        return m;
    }
    m.group = format == Format::i8 ? int8_group : int16_group;
    m.groups = (in + m.group - 1) / m.group;
    m.scales.resize(static_cast<std::size_t>(m.panels) * m.groups * panel);
    m.start.resize(m.scales.size());
    for (int o = 0; o < out; ++o)
        for (int g = 0; g < m.groups; ++g)
            pack_group(m, weights + static_cast<std::size_t>(o) * in, o, g);
    return m;
}

std::size_t converted_bytes(const Matrix& m) {
    const std::size_t bytes = static_cast<std::size_t>(m.steps) * 4;  // fp16: pairs of equal halves
    return (bytes + 63) / 64 * 64 + 64;  // not a power of two, lest rows fall on each other in the cache
}

}  // namespace poolwise
