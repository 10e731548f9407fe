// Attention in int16, for near and fast. Queries and keys have one scale a row, a row's softmax
// weights stand below 2^15, values have a scale for each column and group of keys. Sums over a
// group are exact in int32, whatever keys a block of queries leaves out: a row's bits depend on its
// own sequence alone.
#pragma once

#include <cstring>

#include "attention.h"
#include "quantize.h"

namespace {

// Keys whose products with weights are summed in int32.
constexpr int value_group = 128;

// Of a softmax weight: the largest is 2^14.999.
constexpr float weight_exponent = 14.999f;

// Of the values of a group's column, whose sum with weights of 2^15 stays below 2^31: 2^16, less
// half a unit of rounding each.
constexpr float value_sum_limit = 65536 - value_group / 2;

// The parts of the scratch memory, in floats. Pairs of int16 take a float's place.
template <class S>
struct WordScratch {
    std::size_t keys, key_scales, values, value_scales, queries, scores, context, size;

    WordScratch(int tokens, int width) {
        const std::size_t key_columns = padded<S>(tokens), value_columns = padded<S>(width);
        const std::size_t groups = (tokens + value_group - 1) / value_group;
        keys = 0;
        key_scales = keys + key_columns * ((width + 1) / 2);
        values = key_scales + key_columns;
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

// Up to a vector of floats, zeros behind them; reads no others.
template <class S>
typename S::F load_only(const float* p, int count) {
    if (count >= S::width) return S::load(p);
    float lanes[S::width] = {};
    std::copy_n(p, std::max(count, 0), lanes);
    return S::load(lanes);
}

// The components [i, i + width) of the keys [t, t + width), a vector each.
template <class S>
void transposed_keys(const AttentionHead& a, int t, int i, float* out) {
    const int keys = std::min(S::width, a.tokens - t);
    const float* k = a.k + t * a.kv_stride + i;
    if constexpr (requires(typename S::F v[S::width]) { S::transpose(v); }) {
        typename S::F v[S::width];
#pragma GCC unroll 16
        for (int r = 0; r < S::width; ++r)
            v[r] = r < keys ? load_only<S>(k + r * a.kv_stride, a.width - i) : S::zero();
        S::transpose(v);
#pragma GCC unroll 16
        for (int r = 0; r < S::width; ++r) S::store(out + r * S::width, v[r]);
    } else {
        for (int c = 0; c < S::width; ++c)
            for (int r = 0; r < S::width; ++r)
                out[c * S::width + r] = r < keys && i + c < a.width ? k[r * a.kv_stride + c] : 0.0f;
    }
}

// Norms to scales and their inverses: no component of a row is above the row's norm, and a product
// of rows is at most that of their norms, 2^30 (Cauchy and Schwarz).
template <class S>
void scales_of_squares(const float* squares, float* scales, float* inverses) {
    for (int r = 0; r < S::width; ++r) {
        scales[r] = __builtin_sqrtf(squares[r]) / poolwise::int16_limit;
        inverses[r] = inverse_of(scales[r]);
    }
}

// Packs the keys in the panels of pack_head, two components of a key side by side.
template <class S>
void pack_word_keys(const AttentionHead& a, unsigned char* keys, float* scales) {
    constexpr int panel = panel_width<S>;
    const int pairs = (a.width + 1) / 2;
    float components[poolwise::integer_group * S::width];
    for (int t = 0; t < a.tokens; t += S::width) {
        auto square = S::zero();
        for (int i = 0; i < a.width; i += S::width)
            transposed_keys<S>(a, t, i, components + i * S::width);
        for (int c = 0; c < a.width; ++c) {
            const auto v = S::load(components + c * S::width);
            square = S::fma(v, v, square);
        }
        float squares[S::width], inverses[S::width];
        S::store(squares, square);
        scales_of_squares<S>(squares, scales + t, inverses);
        const auto inverse = S::load(inverses);
        const int column = t / panel * panel;
        const std::size_t stride = std::min(panel, padded<S>(a.tokens) - column);
        unsigned char* out = keys + (static_cast<std::size_t>(column) * pairs + (t - column)) * 4;
        for (int c = 0; c < pairs; ++c, out += stride * 4) {
            const float* pair = components + 2 * c * S::width;
            S::store_int(out, S::word_pairs(S::mul(S::load(pair), inverse),
                                            S::mul(S::load(pair + S::width), inverse)));
        }
    }
}

// The scale of a group of one vector of the values' columns.
template <class S>
typename S::F value_scale(const float* v, std::size_t stride, int keys, int columns) {
    auto sum = S::zero(), largest = S::zero();
    for (int t = 0; t < keys; ++t) {
        const auto magnitude = S::abs(load_only<S>(v + t * stride, columns));
        sum = S::add(sum, magnitude);
        largest = S::max(largest, magnitude);
    }
    return S::max(S::mul(sum, S::splat(1 / value_sum_limit)),
                  S::mul(largest, S::splat(1.0f / poolwise::int16_limit)));
}

// The values' columns from `c` on, `Vectors` vectors of them, two keys side by side.
template <class S, int Vectors>
void pack_word_values(const AttentionHead& a, int c, unsigned char* out, float* scales) {
    for (int begin = 0; begin < a.tokens; begin += value_group, scales += padded<S>(a.width)) {
        const int end = std::min(begin + value_group, a.tokens);
        for (int i = 0; i < Vectors; ++i) {
            const int columns = a.width - c - i * S::width;
            const float* v = a.v + begin * a.kv_stride + c + i * S::width;
            const auto scale = value_scale<S>(v, a.kv_stride, end - begin, columns);
            S::store(scales + i * S::width, scale);
            const auto inverse = S::div(S::splat(1.0f), S::max(scale, S::splat(1e-36f)));
            unsigned char* pair = out + (begin / 2 * Vectors + i) * S::width * 4;
            for (int t = begin; t < end;
                 t += 2, v += 2 * a.kv_stride, pair += Vectors * S::width * 4) {
                const auto second =
                    t + 1 < end ? load_only<S>(v + a.kv_stride, columns) : S::zero();
                S::store_int(pair, S::word_pairs(S::mul(load_only<S>(v, columns), inverse),
                                                 S::mul(second, inverse)));
            }
        }
    }
}

// Writes a query's int16, padded to whole vectors; returns its scale.
template <class S>
float quantize_query(const float* q, int width, unsigned char* out) {
    auto square = S::zero();
    for (int i = 0; i < width; i += S::width) {
        const auto v = load_only<S>(q + i, width - i);
        square = S::fma(v, v, square);
    }
    const float scale = __builtin_sqrtf(sum_of<S>(square)) / poolwise::int16_limit;
    const auto inverse = S::splat(inverse_of(scale));
    for (int i = 0; i < width; i += S::width)
        S::store_int16(out + i * 2, S::mul(load_only<S>(q + i, width - i), inverse));
    return scale;
}

// Rows of pairs of int16 and one panel of them; strides in bytes.
struct WordOperands {
    const unsigned char* x;
    std::size_t x_stride;
    const unsigned char* weights;
    int begin, end;  // steps
};

template <class S, int Rows, int Vectors>
[[gnu::always_inline]] inline void multiply_words(const WordOperands& operands, int row,
                                                  typename S::I* sum) {
    constexpr std::size_t step = Vectors * S::width * 4;
    const std::size_t x_stride = operands.x_stride;
    const int end = operands.end;
    const unsigned char* x = operands.x + row * x_stride;
    const unsigned char* w = operands.weights + operands.begin * step;
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i) sum[i] = S::zero_int();
    for (int k = operands.begin; k < end; ++k, w += step) {
        typename S::I b[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) b[v] = S::load_int(w + v * S::width * 4);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
            const auto a = S::broadcast_int(x + r * x_stride + k * 4);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                sum[r * Vectors + v] = S::dot16(sum[r * Vectors + v], a, b[v]);
        }
    }
}

// scores = products times the keys' scales
template <class S, int Rows, int Vectors>
[[gnu::noinline]] void score_tile(const WordOperands& operands, const float* scales,
                                  const PlainOutput& output, int row) {
    typename S::I sum[Rows * Vectors];
    multiply_words<S, Rows, Vectors>(operands, row, sum);
    float* out = output.out + row * output.stride;
    const std::size_t stride = output.stride;
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i)
        S::store(out + i / Vectors * stride + i % Vectors * S::width,
                 S::mul(S::to_float(sum[i]), S::load(scales + i % Vectors * S::width)));
}

// context (+)= products of one group times the columns' scales
template <class S, int Rows, int Vectors>
[[gnu::noinline]] void context_tile(const WordOperands& operands, const float* scales, bool first,
                                    const PlainOutput& output, int row) {
    typename S::I sum[Rows * Vectors];
    multiply_words<S, Rows, Vectors>(operands, row, sum);
    float* out = output.out + row * output.stride;
    const std::size_t stride = output.stride;
#pragma GCC unroll 32
    for (int i = 0; i < Rows * Vectors; ++i) {
        float* total = out + i / Vectors * stride + i % Vectors * S::width;
        const auto scale = S::load(scales + i % Vectors * S::width);
        S::store(total, S::fma(S::to_float(sum[i]), scale, first ? S::zero() : S::load(total)));
    }
}

// Calls work(rows, first row) for tiles of equal heights.
template <class S, class Work>
[[gnu::always_inline]] inline void for_tiles(int rows, const Work& work) {
    const int tiles = (rows + S::tile_rows - 1) / S::tile_rows, height = rows / tiles;
    for (int row = 0, tile = 0; tile < tiles; ++tile) {
        const int tile_rows = height + (tile < rows - height * tiles);
        with_row_count<S::tile_rows>(tile_rows, [&](auto count) { work(count, row); });
        row += tile_rows;
    }
}

// 2^x, with a relative error of 7.5e-5, for x that is not too large; 0 or so where it is far below
// 0.
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
float word_exponentials(float* row, KeyRange keys, KeyRange visible, float factor) {
    constexpr int pair = 2 * S::width;
    const auto [begin, end] = visible;
    const int first = begin / pair * pair, last = (end + pair - 1) / pair * pair;
    // Far below every score: its weight is zero.
    std::fill(row + first, row + begin, -1e30f);
    std::fill(row + end, row + last, -1e30f);
    factor = std::max(factor * 1.44269504088896341f, 1e-20f);
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

template <class S>
void attend_words(const AttentionHead& a) {
    constexpr int panel = panel_width<S>, block = query_block<S>, pair = 2 * S::width;
    const WordScratch<S> parts(a.tokens, a.width);
    auto* keys = reinterpret_cast<unsigned char*>(a.scratch + parts.keys);
    auto* values = reinterpret_cast<unsigned char*>(a.scratch + parts.values);
    auto* queries = reinterpret_cast<unsigned char*>(a.scratch + parts.queries);
    float* scores = a.scratch + parts.scores;
    float* context = a.scratch + parts.context;
    const std::size_t scores_stride = parts.scores_stride(a.tokens);
    const std::size_t value_columns = padded<S>(a.width);
    const int key_pairs = (a.width + 1) / 2, token_pairs = (a.tokens + 1) / 2;
    pack_word_keys<S>(a, keys, a.scratch + parts.key_scales);
    for_value_panels<S>(a.width, [&](int column, auto vectors) {
        pack_word_values<S, vectors>(a, column,
                                     values + static_cast<std::size_t>(column) * token_pairs * 4,
                                     a.scratch + parts.value_scales + column);
    });
    for (int q = 0; q < a.queries; q += block) {
        const int count = std::min(block, a.queries - q);
        const KeyRange range{visible_keys(a, query_position(a, q)).begin / pair * pair,
                             visible_keys(a, query_position(a, q + count - 1)).end};
        float scales[block];
        for (int r = 0; r < count; ++r)
            scales[r] = a.scale * quantize_query<S>(a.q + (q + r) * a.q_stride, a.width,
                                                    queries + r * value_columns * 2);
        for (int p = range.begin / panel * panel; p < range.end; p += panel)
            with_vector_count<S>(a.tokens - p, [&](auto vectors) {
                const WordOperands operands{
                    .x = queries,
                    .x_stride = value_columns * 2,
                    .weights = keys + static_cast<std::size_t>(p) * key_pairs * 4,
                    .begin = 0,
                    .end = key_pairs};
                for_tiles<S>(count, [&](auto rows, int row) {
                    score_tile<S, rows, vectors>(operands, a.scratch + parts.key_scales + p,
                                                 {scores + p, scores_stride}, row);
                });
            });
        for (int r = 0; r < count; ++r) {
            const int position = query_position(a, q + r);
            const KeyRange visible = visible_keys(a, position);
            float* row = scores + r * scores_stride;
            if (a.relative_bias != nullptr) {
                for (int j = visible.begin; j < visible.end; ++j)
                    row[j] = row[j] * scales[r] + a.relative_bias[j - position];
                scales[r] = 1;
            }
            scales[r] = word_exponentials<S>(row, range, visible, scales[r]);
        }
        for_value_panels<S>(a.width, [&](int column, auto vectors) {
            for (int g = range.begin / value_group; g * value_group < range.end; ++g) {
                const WordOperands operands{
                    .x = reinterpret_cast<const unsigned char*>(scores),
                    .x_stride = scores_stride * sizeof(float),
                    .weights = values + static_cast<std::size_t>(column) * token_pairs * 4,
                    .begin = std::max(g * value_group, range.begin) / 2,
                    .end = (std::min((g + 1) * value_group, range.end) + 1) / 2};
                for_tiles<S>(count, [&](auto rows, int row) {
                    context_tile<S, rows, vectors>(
                        operands, a.scratch + parts.value_scales + g * value_columns + column,
                        g == range.begin / value_group, {context + column, value_columns}, row);
                });
            }
        });
        for (int r = 0; r < count; ++r)
            multiply_row<S>(context + r * value_columns, scales[r], a.width,
                            a.out + (q + r) * a.out_stride);
    }
}

}  // namespace
