// What one batch is run for: arrays of its own, for a caller's may change while they are read.
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
    Reading reading;             // all but what points at the arrays, `out` and `hidden_out`

    // Throws std::invalid_argument unless the encoder can run it without leaving any array.
    void check(const Encoder& encoder) const;
    // Both point at the arrays above.
    Batch batch() const;
    Reading reading_into(float* out, float* hidden_out) const;

private:
    void check_sequences(const Encoder& encoder) const;
    void check_tokens(const Embeddings& embeddings) const;
    void check_pools() const;
    void check_hidden_states() const;
    void check_rows() const;
};

}  // namespace poolwise
