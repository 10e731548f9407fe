// Encoders with random weights, and their outputs, for the tests.
#pragma once

#include <algorithm>
#include <cmath>
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
    std::vector<Format> formats{Format::f32};
    for (Format format : {kernels.near, kernels.fast})
        if (format != formats.back()) formats.push_back(format);
    return formats;
}

enum class Kind { post_norm, relative, rotary, disentangled };

// A post-norm encoder's shape.
inline Shape bert_shape(int width, int heads, int inner) {
    return {.width = width,
            .heads = heads,
            .key_value_heads = heads,
            .head_width = width / heads,
            .inner = inner,
            .epsilon = 1e-12f,
            .attention_scale = 0.3f};
}

// That of one with grouped heads, wider than the hidden states.
inline Shape grouped_shape(int width, int heads, int inner) {
    Shape shape = bert_shape(width, heads, inner);
    shape.head_width = width / heads + 2 + width / heads % 2;
    shape.key_value_heads = 1;
    shape.normalization = Normalization::rms;
    return shape;
}

// Two blocks and a pooler, every layer in one format. A rotary encoder is a pre-norm one with gated
// feed-forward layers, whose second block sees a window. Each weight of a layer with n inputs is
// off by sqrt(n) * weight_error of itself, up or down.
struct RandomEncoder {
    static constexpr int vocabulary = 30, max_positions = 64, relative_span = 40, depth = 2;

    std::vector<float> words, positions;
    Encoder encoder;

    RandomEncoder(Random& random, const Kernels& kernels, Format format, Shape shape,
                  Kind kind = Kind::post_norm, float weight_error = 0)
        : words(random.normal(vocabulary * shape.width)),
          positions(random.normal(max_positions * shape.width)),
          encoder(kernels, shape) {
        const int width = shape.width, inner = shape.inner, queries = shape.query_width();
        LayerPacker packer(kernels, encoder.pages);
        Random signs;
        const auto matrix = [&](int out, int in) {
            auto weight = random.normal(static_cast<std::size_t>(out) * in, 0.2f);
            const float error = std::sqrt(static_cast<float>(in)) * weight_error;
            for (float& w : weight) w *= signs.one_in(2) ? 1 + error : 1 - error;
            const auto bias = random.normal(out, 0.1f);
            return packer.pack({{weight.data(), bias.data()}}, out, in, format, "weights");
        };
        const auto norm = [&] {
            Norm norm{Buffer<float>(width + 64), Buffer<float>(width + 64)};
            for (Buffer<float>* buffer : {&norm.gain, &norm.bias})
                std::ranges::copy(random.normal(width), buffer->data());
            return norm;
        };
        const bool rotary = kind == Kind::rotary;
        Embeddings& tables = encoder.embeddings;
        tables.words = words.data();
        tables.positions = rotary ? nullptr : positions.data();
        tables.vocabulary = vocabulary;
        tables.max_positions = max_positions;
        tables.width = width;
        tables.norm = norm();
        for (int b = 0; b < depth; ++b) {
            Block block;
            block.query = matrix(queries, width);
            block.key_value = matrix(2 * shape.key_value_width(), width);
            block.attention_output = matrix(width, queries);
            block.intermediate = matrix(inner, width);
            block.output = matrix(width, inner);
            (rotary ? block.attention_input_norm : block.attention_norm) = norm();
            (rotary ? block.feed_forward_input_norm : block.output_norm) = norm();
            if (rotary) {
                block.gate = matrix(inner, width);
                block.rotary = 0;
                if (b > 0) block.window = 3;
            }
            encoder.blocks.push_back(std::move(block));
            encoder.order.push_back(b);
        }
        encoder.pooler = matrix(width, width);
        if (rotary) {
            encoder.final_norm = norm();
            encoder.rotary.push_back(filled(rotary_table(random, shape.head_width)));
        }
        if (kind == Kind::disentangled) add_relative_terms(random, packer);
        if (kind != Kind::relative) return;
        encoder.relative_span = relative_span;
        encoder.relative_bias = filled(random.normal(shape.heads * (2 * relative_span - 1)));
    }

private:
    // Cosines and sines of random angles.
    static std::vector<float> rotary_table(Random& random, int head_width) {
        std::vector<float> table(max_positions * head_width);
        for (int p = 0; p < max_positions; ++p)
            for (int i = 0; i < head_width / 2; ++i) {
                const float angle = static_cast<float>(random.below(1000));
                table[p * head_width + i] = std::cos(angle);
                table[p * head_width + head_width / 2 + i] = std::sin(angle);
            }
        return table;
    }

    // Keys and queries of relative positions, of which far distances share the outermost.
    void add_relative_terms(Random& random, LayerPacker& packer) {
        const int rows = encoder.relative_rows = 20, width = encoder.shape.head_width;
        for (int distance = 1 - max_positions; distance < max_positions; ++distance)
            encoder.distance_rows.push_back(std::clamp(rows / 2 + distance, 0, rows - 1));
        for (Block& block : encoder.blocks) {
            for (int h = 0; h < encoder.shape.heads; ++h) {
                const auto keys = random.normal(rows * width);
                block.relative_keys.push_back(
                    packer.pack({{keys.data(), nullptr}}, rows, width, Format::f32, "keys"));
            }
            block.relative_queries = filled(random.normal(encoder.shape.heads * rows * width));
        }
    }

    static Buffer<float> filled(const std::vector<float>& values) {
        Buffer<float> buffer(values.size() + 64);
        std::ranges::copy(values, buffer.data());
        return buffer;
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
