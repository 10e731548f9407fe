// The terms of attention scores between content and relative positions: DeBERTa's "disentangled
// attention" (He et al. 2021, equation 4). A block of queries and a panel of keys see few
// distances, so neither term needs a matrix of all keys and distances.
#pragma once

#include "gemm_float.h"

namespace {

using poolwise::AttentionHead;
using poolwise::RelativePositions;

// The keys [begin, end).
struct KeyRange {
    int begin, end;
};

inline int query_position(const AttentionHead& a, int query) {
    return a.query_positions != nullptr ? a.query_positions[query] : query;
}

// Floats that a block of `queries` queries needs.
template <class S>
std::size_t relative_scratch(int rows, int queries) {
    constexpr int panel = S::width * S::tile_vectors;
    if (rows == 0) return 0;
    return static_cast<std::size_t>(rows + panel) * std::max(queries, panel);
}

// scores[query][key] += query times the key of their distance
template <class S>
void add_query_terms(const AttentionHead& a, int first_query, int queries, KeyRange range,
                     float* scores, std::size_t scores_stride, float* products) {
    constexpr int panel = S::width * S::tile_vectors;
    const RelativePositions& relative = *a.relative;
    const int first = query_position(a, first_query);
    const int last = query_position(a, first_query + queries - 1);
    const int begin = relative.row_of_distance[range.begin - last] / panel * panel;
    const int end = relative.row_of_distance[range.end - 1 - first] + 1;
    const std::size_t stride = (end - begin + panel - 1) / panel * panel;
    for (int p = begin; p < end; p += panel)
        multiply_panel<S>(queries,
                          {.x = a.q + first_query * a.q_stride,
                           .x_stride = a.q_stride,
                           .weights = relative.keys + static_cast<std::size_t>(p) * a.width,
                           .weights_stride = panel,
                           .steps = a.width},
                          PlainOutput{products + (p - begin), stride});
    for (int r = 0; r < queries; ++r) {
        const int* row_of = relative.row_of_distance - query_position(a, first_query + r);
        const float* product = products + r * stride;
        float* score = scores + r * scores_stride;
        for (int j = range.begin; j < range.end; ++j) score[j] += product[row_of[j] - begin];
    }
}

// scores[query][key] += key times the query of their distance; `keys` are the packed keys.
template <class S>
void add_key_terms(const AttentionHead& a, int first_query, int queries, KeyRange range,
                   const float* keys, float* scores, std::size_t scores_stride, float* products) {
    constexpr int panel = S::width * S::tile_vectors;
    const RelativePositions& relative = *a.relative;
    const int first = query_position(a, first_query);
    const int last = query_position(a, first_query + queries - 1);
    for (int p = range.begin / panel * panel; p < range.end; p += panel) {
        const int key_begin = std::max(p, range.begin), key_end = std::min(p + panel, range.end);
        const int begin = relative.row_of_distance[key_begin - last];
        const int end = relative.row_of_distance[key_end - 1 - first] + 1;
        with_vector_count<S>(a.tokens - p, [&](auto vectors) {
            multiply_panel<S, vectors>(
                end - begin,
                {.x = relative.queries + static_cast<std::size_t>(begin) * a.width,
                 .x_stride = static_cast<std::size_t>(a.width),
                 .weights = keys + static_cast<std::size_t>(p) * a.width,
                 .weights_stride = vectors * S::width,
                 .steps = a.width},
                PlainOutput{products, panel});
        });
        for (int r = 0; r < queries; ++r) {
            const int* row_of = relative.row_of_distance - query_position(a, first_query + r);
            float* score = scores + r * scores_stride;
            for (int j = key_begin; j < key_end; ++j)
                score[j] += products[(row_of[j] - begin) * panel + (j - p)];
        }
    }
}

// Adds both terms to a block's scores, before their scale.
template <class S>
void add_relative_terms(const AttentionHead& a, int first_query, int queries, KeyRange range,
                        const float* keys, float* scores, std::size_t stride, float* scratch) {
    if (a.relative->keys != nullptr)
        add_query_terms<S>(a, first_query, queries, range, scores, stride, scratch);
    if (a.relative->queries != nullptr)
        add_key_terms<S>(a, first_query, queries, range, keys, scores, stride, scratch);
}

}  // namespace
