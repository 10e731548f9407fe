// Attention in integers, for near and fast. A row's softmax weights are int16 below 2^15. Sums over
// a group of keys are exact in int32, whatever keys a block of queries leaves out: a row's bits
// depend on its own sequence alone.
#pragma once

#include <cstring>

#include "attention_keys.h"
#include "attention_tiles.h"

namespace {

// The exponent of a softmax weight of 1.
constexpr float weight_exponent = 14.999f;

// The parts of the scratch memory, in floats. Pairs of int16 take a float's place.
template <class S>
struct IntegerScratch {
    std::size_t keys, key_scales, key_sums, values, value_scales, queries, scores, context, size;

    IntegerScratch(int tokens, int width) {
        const std::size_t key_columns = padded<S>(tokens), value_columns = padded<S>(width);
        const std::size_t groups = (tokens + value_group - 1) / value_group;
        keys = 0;
        key_scales = keys + key_columns * ((width + 1) / 2);
        key_sums = key_scales + key_columns;
        values = key_sums + key_columns;
        value_scales = values + value_columns * ((tokens + 1) / 2);
        queries = value_scales + groups * value_columns;
        scores = queries + query_block<S> * value_columns / 2;
        context = scores + query_block<S> * scores_stride(tokens);
        size = context + query_block<S> * value_columns;
    }

    // Whole pairs of vectors, and no power of two, which would map rows to the same cache sets.
    static std::size_t scores_stride(int tokens) {
        constexpr int pair = 2 * S::width;
        return (tokens + pair - 1) / pair * pair + S::width;
    }
};

// 2^x for x up to 126, with a relative error of 7.5e-5; below -100 it is at most 2^-100.
template <class S>
typename S::F rough_power_of_two(typename S::F x) {
    typename S::F n, r;  // an integer, and the rest in [0, 1]
    if constexpr (requires { S::fraction(x); }) {
        n = x;
        r = S::fraction(x);
    } else {
        x = S::max(x, S::splat(-100.0f));
        n = S::round(S::sub(x, S::splat(0.5f)));
        r = S::sub(x, n);
    }
    auto p = S::splat(7.80245302e-02f);
    p = S::fma(p, r, S::splat(2.26067146e-01f));
    p = S::fma(p, r, S::splat(6.95833543e-01f));
    p = S::fma(p, r, S::splat(9.99925219e-01f));
    return scaled<S>(p, n);
}

// Replaces a row of scores by weights in int16: the visible keys' 2^(factor (score - the largest))
// of the range's top, zero for the other `keys`. Returns the inverse of their sum, which is exact.
template <class S>
float integer_weights(float* row, KeyRange keys, KeyRange visible, float factor) {
    constexpr int pair = 2 * S::width;
    const auto [begin, end] = visible;
    const int first = begin / pair * pair, last = (end + pair - 1) / pair * pair;
    // Far below every score: its weight is zero.
    std::fill(row + first, row + begin, -3e38f);
    std::fill(row + end, row + last, -3e38f);
    factor = std::max(factor * 1.44269504088896341f, 1e-30f);
    auto maxima = S::load(row + first), others = S::load(row + first + S::width);
    for (int j = first + pair; j < last; j += pair) {
        maxima = S::max(maxima, S::load(row + j));
        others = S::max(others, S::load(row + j + S::width));
    }
    const float largest = max_of<S>(S::max(maxima, others));
    const auto factors = S::splat(factor), shift = S::splat(weight_exponent - factor * largest);
    auto* words = reinterpret_cast<unsigned char*>(row);
    constexpr int16_t ones[] = {1, 1};
    const auto one = S::broadcast_int(ones);
    auto sum = S::zero_int();
    for (int j = first; j < last; j += pair) {
        const auto a = rough_power_of_two<S>(S::fma(S::load(row + j), factors, shift));
        const auto b = rough_power_of_two<S>(S::fma(S::load(row + j + S::width), factors, shift));
        const auto weights = S::words(a, b);
        S::store_int(words + j * 2, weights);
        sum = S::dot16(sum, weights, one);
    }
    std::memset(words + keys.begin * 2, 0, (first - keys.begin) * 2);
    if (last < keys.end) std::memset(words + last * 2, 0, (keys.end + 1 - last) * 2);
    return 1.0f / sum_of<S>(S::to_float(sum));
}

// Of one head: scores by products of bytes or int16, a block of queries at a time.
template <class S, bool Int8>
class IntegerAttention {
public:
    explicit IntegerAttention(const AttentionHead& head)
        : head_(head),
          parts_(head.tokens, head.width),
          steps_(key_steps<Int8>(head.width)),
          token_pairs_((head.tokens + 1) / 2),
          value_columns_(padded<S>(head.width)),
          scores_stride_(parts_.scores_stride(head.tokens)) {}

    void run() {
        pack_integer_keys<S, Int8>(head_, bytes(parts_.keys), floats(parts_.key_scales),
                                   key_sums());
        for_value_panels<S>(head_.width, [&](int column, auto vectors) {
            pack_integer_values<S, vectors>(head_, column, value_panel(column),
                                            floats(parts_.value_scales) + column);
        });
        for (int q = 0; q < head_.queries; q += query_block<S>) {
            const int count = std::min(query_block<S>, head_.queries - q);
            // From a whole pair of vectors on, for the weights.
            constexpr int pair = 2 * S::width;
            const KeyRange range{visible_keys(head_, query_position(head_, q)).begin / pair * pair,
                                 visible_keys(head_, query_position(head_, q + count - 1)).end};
            multiply_keys(q, count, range);
            weigh(q, count, range);
            multiply_values(count, range);
            for (int r = 0; r < count; ++r)
                multiply_row<S>(floats(parts_.context) + r * value_columns_, scales_[r],
                                head_.width, head_.out + (q + r) * head_.out_stride);
        }
    }

private:
    float* floats(std::size_t part) const { return head_.scratch + part; }
    unsigned char* bytes(std::size_t part) const {
        return reinterpret_cast<unsigned char*>(head_.scratch + part);
    }
    int32_t* key_sums() const {
        return reinterpret_cast<int32_t*>(head_.scratch + parts_.key_sums);
    }
    unsigned char* value_panel(int column) const {
        return bytes(parts_.values) + static_cast<std::size_t>(column) * token_pairs_ * 4;
    }

    void multiply_keys(int q, int count, KeyRange range) {
        unsigned char* queries = bytes(parts_.queries);
        const std::size_t stride = value_columns_ * 2;
        for (int r = 0; r < count; ++r)
            scales_[r] = head_.scale * quantize_query<S, Int8>(head_.q + (q + r) * head_.q_stride,
                                                               head_.width, queries + r * stride);
        for (int p = range.begin / panel_width<S> * panel_width<S>; p < range.end;
             p += panel_width<S>)
            with_vector_count<S>(head_.tokens - p, [&](auto vectors) {
                const IntegerOperands operands{
                    .x = queries,
                    .x_stride = stride,
                    .weights = bytes(parts_.keys) + static_cast<std::size_t>(p) * steps_ * 4,
                    .begin = 0,
                    .end = steps_};
                for_tiles<S>(count, [&](auto rows, int row) {
                    score_tile<S, Int8, rows, vectors>(
                        operands, floats(parts_.key_scales) + p, key_sums() + p,
                        {floats(parts_.scores) + p, scores_stride_}, row);
                });
            });
    }

    // Scores to weights, and the queries' scales to the inverses of their sums.
    void weigh(int q, int count, KeyRange range) {
        for (int r = 0; r < count; ++r) {
            const int position = query_position(head_, q + r);
            const KeyRange visible = visible_keys(head_, position);
            float* row = floats(parts_.scores) + r * scores_stride_;
            if (head_.relative_bias != nullptr) {
                for (int j = visible.begin; j < visible.end; ++j)
                    row[j] = row[j] * scales_[r] + head_.relative_bias[j - position];
                scales_[r] = 1;
            }
            scales_[r] = integer_weights<S>(row, range, visible, scales_[r]);
        }
    }

    void multiply_values(int count, KeyRange range) {
        const int first = range.begin / value_group;
        for_value_panels<S>(head_.width, [&](int column, auto vectors) {
            const PlainOutput output{floats(parts_.context) + column, value_columns_};
            for (int g = first; g * value_group < range.end; ++g) {
                const IntegerOperands operands{
                    .x = bytes(parts_.scores),
                    .x_stride = scores_stride_ * sizeof(float),
                    .weights = value_panel(column),
                    .begin = std::max(g * value_group, range.begin) / 2,
                    .end = (std::min((g + 1) * value_group, range.end) + 1) / 2};
                const float* value_scales =
                    floats(parts_.value_scales) + g * value_columns_ + column;
                for_tiles<S>(count, [&](auto rows, int row) {
                    context_tile<S, rows, vectors>(operands, value_scales, g == first, output, row);
                });
            }
        });
    }

    const AttentionHead& head_;
    const IntegerScratch<S> parts_;
    const int steps_, token_pairs_;
    const std::size_t value_columns_, scores_stride_;
    float scales_[query_block<S>];  // of a block's queries
};

}  // namespace
