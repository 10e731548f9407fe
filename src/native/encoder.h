// An encoder with repacked weights, which runs batches.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "kernels.h"

namespace poolwise {

enum class Normalization { layer, rms };

// The sizes and settings that config.json gives for every block.
struct Shape {
    int width = 0;            // of a hidden state
    int heads = 0;            // of attention
    int key_value_heads = 0;  // each serves as many query heads, side by side
    int head_width = 0;
    int inner = 0;              // width of the feed-forward layer ("intermediate_size")
    float epsilon = 0;          // of the norms
    float attention_scale = 1;  // of the products of queries and keys
    Activation activation = Activation::gelu;
    Normalization normalization = Normalization::layer;

    int query_width() const { return heads * head_width; }
    int key_value_width() const { return key_value_heads * head_width; }
};

// Without gains it is absent, and rows stay as they are.
struct Norm {
    Buffer<float> gain, bias;
    bool exists() const { return gain.size() > 0; }
};

// x = attention_norm(x + attention(attention_input_norm(x)))
// x = output_norm(x + feed_forward(feed_forward_input_norm(x)))
// feed_forward(x) = output(activation(intermediate(x)) * gate(x))
struct Block {
    Norm attention_input_norm;
    Matrix query, key_value, attention_output;
    Norm attention_norm, feed_forward_input_norm;
    Matrix intermediate, gate, output;  // there is no gate where its out is 0
    Norm output_norm;
    int window = AttentionHead::every_key;  // of attention, in tokens on either side
    int rotary = -1;                        // its table of rotary positions; -1: none
    // DeBERTa's keys and queries of relative positions, projected; empty: no such term.
    std::vector<Matrix> relative_keys;  // [relative_rows, head_width] a head
    Buffer<float> relative_queries;     // [heads][relative_rows][head_width]
};

// The embedding tables belong to the caller, who keeps them alive as long as the encoder.
struct Embeddings {
    const float* words = nullptr;       // [vocabulary, width]
    const float* positions = nullptr;   // [max_positions, width]; null in rotary families
    const float* token_type = nullptr;  // [width], of type 0; null where the family has none
    int vocabulary = 0, width = 0;
    int max_positions = 0;  // of the position embeddings, rotary tables and distance rows
    Norm norm;
    Matrix projection;    // to the hidden width; elsewhere empty (out is 0)
    Norm projected_norm;  // of the hidden width, in DeBERTa
};

// Sequences packed side by side without padding.
struct Batch {
    const int* ids = nullptr;
    const int* positions = nullptr;
    const int* offsets = nullptr;  // [sequences + 1]
    int sequences = 0;
    int tokens() const { return offsets[sequences]; }
};

// The outputs of a forward pass. A linear pool is a row of weights over the batch's tokens, NaN for
// a sequence in which the pool is undefined; a max pool is a row of weights that are 0 for masked
// tokens.
struct OutputPlan {
    struct LinearPool {
        int layer, weights;
    };
    struct MaxPool {
        int weights;
        std::vector<std::pair<int, float>> terms;  // layer, coefficient
        // Whether the maximum is taken of a weighted sum of layers, not of a layer as it is.
        bool sums_layers() const { return terms.size() > 1 || terms[0].second != 1.0f; }
    };

    int deepest = 0;            // layer at which the forward pass ends
    const int* rows = nullptr;  // tokens whose deepest hidden state is needed, rising; null: all
    int row_count = 0;
    const float* weights = nullptr;  // [pools][tokens]
    std::vector<LinearPool> linear;
    std::vector<MaxPool> maxima;
    bool pooler = false;
    std::vector<int> hidden_states;  // layers whose hidden states are returned, rising
    float* out = nullptr;  // [linear, then maxima, then pooler][sequences][row_stride(width)]
    float* hidden_out = nullptr;  // [hidden_states][tokens][width]

    std::size_t vectors() const { return linear.size() + maxima.size() + (pooler ? 1 : 0); }
};

// Floats from row to row: room for whole panels of any kernel, and no power of two, which would map
// rows to the same cache sets.
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
    std::vector<Block> blocks;  // of different weights
    std::vector<int> order;     // the block that makes hidden state 1, 2 …
    // Rotary positions: cos and sin of the angle of each pair of a head's components.
    std::vector<Buffer<float>> rotary;  // [max_positions][cos, sin][head_width / 2] each
    Norm final_norm;                    // of the last hidden state
    Matrix pooler;                      // out is 0 where there is none
    // Attention bias by key position minus query position, from 1 - relative_span on; MPNet's.
    Buffer<float> relative_bias;  // [heads][2 * relative_span - 1]
    int relative_span = 0;        // 0: no relative positions
    // DeBERTa's row of relative positions by key position minus query position, never falling, from
    // 1 - max_positions on; empty elsewhere.
    std::vector<int> distance_rows;
    int relative_rows = 0;

    int depth() const { return static_cast<int>(order.size()); }
    // The longest sequence that the position tables allow.
    int max_sequence() const;

    // Throws std::bad_alloc where memory is short, always in the calling thread.
    void run(const Batch& batch, const OutputPlan& plan, int threads) const;

private:
    std::unique_ptr<Workspace> acquire_workspace() const;
    void release_workspace(std::unique_ptr<Workspace>) const noexcept;

    // Lock-free: a mutex that another thread holds during a fork stays locked in the child.
    mutable std::array<std::atomic<Workspace*>, 64> idle_workspaces_{};
};

}  // namespace poolwise
