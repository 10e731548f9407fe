// An encoder's weights, repacked, and the walk of a batch through its blocks.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "kernels.h"

namespace poolwise {

// What the layers of a config.json say.
struct Shape {
    int width = 0;       // of a hidden state
    int heads = 0;
    int inner = 0;       // of the feed-forward layer
    float epsilon = 0;   // of the layer norms
    Activation activation = Activation::gelu;
};

struct Norm {
    Buffer<float> gain, bias;
};

struct Block {
    Matrix query, key_value, attention_output, intermediate, output;
    Norm attention_norm, output_norm;
};

// The tables are read where they lie; who made the encoder keeps them alive.
struct Embeddings {
    const float* words = nullptr;      // [vocabulary, width]
    const float* positions = nullptr;  // [most, width]
    const float* type = nullptr;       // [width], of token type 0; null where the family has none
    int vocabulary = 0, most = 0, width = 0;
    Norm norm;
    Matrix projection;  // to the hidden width, ELECTRA's; empty (out 0) elsewhere
};

// Sequences side by side without padding.
struct Batch {
    const int* ids = nullptr;
    const int* positions = nullptr;
    const int* offsets = nullptr;  // [sequences + 1]
    int sequences = 0;
    int tokens() const { return offsets[sequences]; }
};

// What is to be read on the way. A linear pool is a row of weights over the batch's tokens, NaN for a
// sequence where it has nothing to read; a maximum is a row of weights, 0 for tokens left aside.
struct Reading {
    struct Linear { int layer, weights; };
    struct Maximum { int weights; std::vector<std::pair<int, float>> terms; };  // layer, coefficient

    int deepest = 0;
    const int* rows = nullptr;  // tokens whose deepest hidden state is needed, rising; null: all
    int row_count = 0;
    const float* weights = nullptr;  // [pools][tokens]
    std::vector<Linear> linear;
    std::vector<Maximum> maxima;
    bool pooler = false;
    std::vector<int> hidden_states;  // layers whose hidden states are returned, rising
    float* out = nullptr;  // [linear, then maxima, then pooler][sequences][row_stride(width)]
    float* hidden_out = nullptr;  // [hidden_states][tokens][width]

    std::size_t vectors() const { return linear.size() + maxima.size() + (pooler ? 1 : 0); }
};

// Floats from row to row: room for whole panels of any kernel, and no power of two, lest rows share
// their places in the cache.
constexpr std::size_t row_stride(int width) {
    return (static_cast<std::size_t>(width) + 95) / 48 * 48 + 16;
}

struct Workspace;

class Encoder {
public:
    Encoder(const Kernels& kernels, Shape shape);
    ~Encoder();

    const Kernels& kernels;
    const Shape shape;
    Pages pages;  // of all matrices
    Embeddings embeddings;
    std::vector<Block> blocks;
    Matrix pooler;                    // out 0: none
    Buffer<float> relative;           // [heads][2 * reach - 1]: bias by key minus query, from 1 - reach
    int reach = 0;                    // 0: no relative positions

    void run(const Batch& batch, const Reading& reading, int threads) const;

private:
    std::unique_ptr<Workspace> borrow() const;
    void give_back(std::unique_ptr<Workspace>) const noexcept;

    // No lock: in a child that was forked while another thread held it, it would stay locked.
    mutable std::array<std::atomic<Workspace*>, 64> idle_{};
};

}  // namespace poolwise
