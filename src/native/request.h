// A call's arguments: copies, because the caller may change its arrays during the call.
#pragma once

#include <optional>
#include <vector>

#include "encoder.h"

namespace poolwise {

struct Request {
    std::vector<int> ids, positions, offsets;  // as in Batch
    std::optional<std::vector<int>> rows;
    int pools = 0;
    std::vector<float> weights;  // [pools][tokens]
    OutputPlan plan;             // without its pointers, which outputs_into sets

    // Throws std::invalid_argument unless the encoder can run it within the bounds of every array.
    void check(const Encoder& encoder) const;
    // Both point at the arrays above.
    Batch batch() const;
    OutputPlan outputs_into(float* out, float* hidden_out) const;

private:
    void check_sequences(const Encoder& encoder) const;
    void check_tokens(const Embeddings& embeddings) const;
    void check_pools() const;
    void check_hidden_states() const;
    void check_rows() const;
};

}  // namespace poolwise
