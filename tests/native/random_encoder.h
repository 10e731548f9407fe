// Encoders with random weights, and their outputs, for the tests.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "packing.h"
#include "request.h"

namespace poolwise {

struct Random {
    std::mt19937 engine;

    // An integer from 0 to n - 1.
    int below(int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); }
    bool one_in(int n) { return below(n) == 0; }

    std::vector<float> normal(std::size_t count, float deviation = 1) {
        std::normal_distribution<float> distribution(0, deviation);
        std::vector<float> values(count);
        for (float& x : values) x = distribution(engine);
        return values;
    }
};

inline std::vector<Format> formats(const Kernels& kernels) {
    std::vector<Format> formats{Format::f32, Format::i16};
    if (kernels.has_int8) formats.push_back(Format::i8);
    if (kernels.half_panel) formats.push_back(Format::f16);
    return formats;
}

// Two blocks and a pooler, every layer in one format.
struct RandomEncoder {
    static constexpr int vocabulary = 30, max_positions = 64, depth = 2;

    std::vector<float> words, positions;
    Encoder encoder;

    RandomEncoder(Random& random, const Kernels& kernels, Format format, Shape shape,
                  int relative_span = 0)
        : words(random.normal(vocabulary * shape.width)),
          positions(random.normal(max_positions * shape.width)),
          encoder(kernels, shape) {
        const int width = shape.width, inner = shape.inner;
        LayerPacker packer(kernels, encoder.pages);
        const auto matrix = [&](int out, int in) {
            const auto weight = random.normal(static_cast<std::size_t>(out) * in, 0.2f);
            const auto bias = random.normal(out, 0.1f);
            return packer.pack({{weight.data(), bias.data()}}, out, in, format, "weights");
        };
        const auto norm = [&] {
            LayerNorm norm{Buffer<float>(width + 64), Buffer<float>(width + 64)};
            for (Buffer<float>* buffer : {&norm.gain, &norm.bias})
                std::ranges::copy(random.normal(width), buffer->data());
            return norm;
        };
        encoder.embeddings = {words.data(), positions.data(), nullptr, vocabulary, max_positions,
                              width,        norm(),           {}};
        for (int b = 0; b < depth; ++b)
            encoder.blocks.push_back({matrix(width, width), matrix(2 * width, width),
                                      matrix(width, width), matrix(inner, width),
                                      matrix(width, inner), norm(), norm()});
        encoder.pooler = matrix(width, width);
        if (!relative_span) return;
        encoder.relative_span = relative_span;
        const auto bias = random.normal(shape.heads * (2 * relative_span - 1));
        encoder.relative_bias.resize(bias.size());
        std::ranges::copy(bias, encoder.relative_bias.data());
    }
};

// Sequences of these lengths with random ids.
inline Request random_sequences(Random& random, const std::vector<int>& lengths) {
    Request request;
    request.offsets = {0};
    for (int length : lengths) {
        for (int t = 0; t < length; ++t) {
            request.ids.push_back(random.below(RandomEncoder::vocabulary));
            request.positions.push_back(t);
        }
        request.offsets.push_back(static_cast<int>(request.ids.size()));
    }
    return request;
}

// The vectors, then the hidden states.
inline std::vector<float> run(const Encoder& encoder, const Request& request, int threads) {
    const std::size_t width = encoder.shape.width, stride = row_stride(encoder.shape.width);
    const std::size_t rows = request.plan.vectors() * (request.offsets.size() - 1);
    Buffer<float> out(rows * stride);
    std::vector<float> hidden(request.plan.hidden_states.size() * request.ids.size() * width);
    encoder.run(request.batch(), request.outputs_into(out.data(), hidden.data()), threads);
    std::vector<float> values;
    for (std::size_t r = 0; r < rows; ++r)
        values.insert(values.end(), out.data() + r * stride, out.data() + r * stride + width);
    values.insert(values.end(), hidden.begin(), hidden.end());
    return values;
}

inline bool equal_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace poolwise
