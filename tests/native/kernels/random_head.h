// One attention head of random numbers, and what it should give.
#pragma once

#include "tests.h"

namespace poolwise {

// A head of `tokens` random rows of queries, keys and values, and a bias for each distance.
struct RandomHead {
    std::size_t stride;
    std::vector<float> rows, bias;
    Buffer<float> scratch, out;
    AttentionHead head;
    std::vector<float> relative_keys, relative_queries;
    std::vector<int> row_of_distance;
    Pages pages;
    Matrix packed_keys;
    RelativePositions relative;

    RandomHead(const Kernels& k, int tokens, int width, int window)
        : stride(3 * width + 5),
          rows(noise(tokens * stride)),
          bias(noise(2 * tokens)),
          scratch(k.attention_scratch(tokens, width, 0)),
          out(static_cast<std::size_t>(tokens) * width) {
        head.q = rows.data();
        head.k = rows.data() + width;
        head.v = rows.data() + 2 * width;
        head.q_stride = head.kv_stride = stride;
        head.out = out.data();
        head.out_stride = width;
        head.queries = head.tokens = tokens;
        head.width = width;
        head.scale = 0.5f;
        head.window = window;
        head.scratch = scratch.data();
    }

    RandomHead(const RandomHead&) = delete;

    void use_bias() { head.relative_bias = bias.data() + head.tokens - 1; }

    // Distances beyond `rows` rows share the first or the last one.
    void use_relative_positions(const Kernels& k, int rows, bool keys, bool queries) {
        const std::size_t size = static_cast<std::size_t>(rows) * head.width;
        for (int distance = 1 - head.tokens; distance < head.tokens; ++distance)
            row_of_distance.push_back(std::clamp(rows / 2 + distance, 0, rows - 1));
        relative.row_of_distance = row_of_distance.data() + head.tokens - 1;
        relative.rows = rows;
        if (keys) {
            relative_keys = noise(size);
            packed_keys =
                pack(relative_keys.data(), nullptr, rows, head.width, Format::f32, k.panel, pages);
            relative.keys = reinterpret_cast<const float*>(packed_keys.data);
        }
        if (queries) {
            relative_queries = noise(size);
            relative.queries = relative_queries.data();
        }
        scratch = Buffer<float>(k.attention_scratch(head.tokens, head.width, rows));
        head.scratch = scratch.data();
        head.relative = &relative;
    }

    double relative_terms(int q, int j) const {
        double score = 0;
        for (int i = 0; i < head.width && head.relative != nullptr; ++i) {
            const std::size_t index =
                static_cast<std::size_t>(relative.row_of_distance[j - q]) * head.width + i;
            if (!relative_keys.empty())
                score += static_cast<double>(head.q[q * stride + i]) * relative_keys[index];
            if (!relative_queries.empty())
                score += static_cast<double>(head.k[j * stride + i]) * relative_queries[index];
        }
        return score;
    }

    // The result for the query at position q.
    std::vector<double> reference(int q) const {
        const AttentionHead& a = head;
        std::vector<double> sums(a.width);
        double sum = 0;
        for (int j = 0; j < a.tokens; ++j) {
            if (std::abs(q - j) > a.window) continue;
            double score = relative_terms(q, j);
            for (int i = 0; i < a.width; ++i)
                score += static_cast<double>(a.q[q * stride + i]) * a.k[j * stride + i];
            score *= a.scale;
            if (a.relative_bias != nullptr) score += a.relative_bias[j - q];
            const double p = std::exp(score);
            sum += p;
            for (int i = 0; i < a.width; ++i) sums[i] += p * a.v[j * stride + i];
        }
        for (double& x : sums) x /= sum;
        return sums;
    }

    // Only the queries at these positions; their results.
    std::vector<float> attend(const Kernels& k, const std::vector<int>& positions) const {
        std::vector<float> queries, results(positions.size() * head.width);
        for (int p : positions)
            queries.insert(queries.end(), head.q + p * stride, head.q + p * stride + head.width);
        AttentionHead a = head;
        a.q = queries.data();
        a.q_stride = head.width;
        a.queries = static_cast<int>(positions.size());
        a.query_positions = positions.data();
        a.out = results.data();
        k.attend(a);
        return results;
    }
};

}  // namespace poolwise
