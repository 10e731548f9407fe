#include "walk.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace poolwise {
namespace {

constexpr int row_block = 96;  // rows whose inner activations stay in the second cache
constexpr int few_rows = 8;    // too few to be worth handing over

// Shares work(begin, end) on rows, which is little for each of them.
template <class Work>
void share_rows(Team& team, int rows, const Work& work) {
    team.share((rows + few_rows - 1) / few_rows, [&](int begin, int end, int) {
        work(begin * few_rows, std::min(end * few_rows, rows));
    });
}

}  // namespace

Walk::Walk(const Encoder& encoder, const Batch& batch, const Reading& reading, Workspace& space,
           Team& team)
    : encoder_(encoder),
      kernels_(encoder.kernels),
      batch_(batch),
      reading_(reading),
      space_(space),
      team_(team),
      wide_(row_stride(encoder.shape.width)),
      inner_(row_stride(encoder.shape.inner)),
      rows_(batch.tokens()),
      row_offsets_(batch.offsets, batch.offsets + batch.sequences + 1) {
    const std::size_t tokens = batch.tokens();
    for (auto* buffer : {&space.hidden, &space.next, &space.query, &space.context})
        buffer->resize(tokens * wide_);
    space.key_value.resize(tokens * row_stride(2 * encoder.shape.width));
    space.inner.resize(tokens * inner_);
    if (encoder.embeddings.projection.out) space.narrow.resize(tokens * row_stride(encoder.embeddings.width));
    std::size_t bytes = 0, groups = 0;
    const auto room = [&](const Matrix& m) {
        if (m.format == Format::f32) return;
        bytes = std::max(bytes, converted_bytes(m));
        groups = std::max(groups, static_cast<std::size_t>(m.groups));
    };
    room(encoder.embeddings.projection);
    room(encoder.pooler);
    for (const Block& b : encoder.blocks)
        for (const Matrix* m : {&b.query, &b.attention_output, &b.intermediate, &b.output}) room(*m);
    space.converted.resize(tokens * bytes);
    space.scales.resize(tokens * groups);
    space.mixes.resize(std::max(space.mixes.size(), reading.maxima.size()));
    for (std::size_t i = 0; i < reading.maxima.size(); ++i)
        if (reading.maxima[i].terms.size() > 1 || reading.maxima[i].terms[0].second != 1.0f)
            space.mixes[i].resize(tokens * wide_);
    if (reading.pooler) space.first.resize(2 * batch.sequences * wide_);
    // Whatever memory the threads need is taken here, where nobody waits for anybody.
    if (reading.rows != nullptr) places_.resize(reading.row_count);
    int longest = 0;
    for (int s = 0; s < batch.sequences; ++s)
        longest = std::max(longest, batch.offsets[s + 1] - batch.offsets[s]);
    space.scratch.resize(std::max<std::size_t>(space.scratch.size(), team.threads()));
    for (int t = 0; t < team.threads(); ++t)
        space.scratch[t].resize(
            kernels_.attention_scratch(longest, encoder.shape.width / encoder.shape.heads));
}

void Walk::run() {
    embed();
    read(0);
    for (int number = 1; number <= reading_.deepest; ++number) {
        block(number);
        read(number);
    }
    if (reading_.pooler) pool_first();
}

void Walk::embed() {
    const Embeddings& from = encoder_.embeddings;
    const bool narrow = from.projection.out > 0;
    float* to = narrow ? space_.narrow.data() : space_.hidden.data();
    const std::size_t stride = narrow ? row_stride(from.width) : wide_;
    for (int t = 0; t < rows_; ++t) {
        float* x = to + t * stride;
        const float* word = from.words + static_cast<std::size_t>(batch_.ids[t]) * from.width;
        const float* position =
            from.positions + static_cast<std::size_t>(batch_.positions[t]) * from.width;
        if (from.type != nullptr)
            for (int i = 0; i < from.width; ++i) x[i] = word[i] + from.type[i] + position[i];
        else
            for (int i = 0; i < from.width; ++i) x[i] = word[i] + position[i];
    }
    normalize(from.norm, to, stride, rows_, from.width);
    if (!narrow) return;
    const Input x = converted(from.projection, to, stride, rows_);
    multiply(from.projection, x, rows_, {}, space_.hidden.data(), wide_);
}

// Alone, rows in blocks that stay in the cache; a team shares each product's columns.
int Walk::step() const { return team_.alone() ? row_block : std::max(rows_, 1); }

void Walk::block(int number) {
    const Block& block = encoder_.blocks[number - 1];
    const bool choose = number == reading_.deepest && reading_.rows != nullptr;
    const std::size_t kv_wide = row_stride(2 * encoder_.shape.width);
    for (int r = 0; r < rows_; r += step()) {
        const int count = std::min(step(), rows_ - r);
        const Input x = converted(block.key_value, space_.hidden.data() + r * wide_, wide_, count);
        multiply(block.key_value, x, count, {}, space_.key_value.data() + r * kv_wide, kv_wide);
        if (!choose) multiply(block.query, x, count, {}, space_.query.data() + r * wide_, wide_);
    }
    if (choose) {
        choose_rows();
        const Input x = converted(block.query, space_.hidden.data(), wide_, rows_);
        multiply(block.query, x, rows_, {}, space_.query.data(), wide_);
    }
    attend();
    feed_forward(block);
}

// Leaves in `hidden` only the rows that the reading needs of this block.
void Walk::choose_rows() {
    for (int r = 0; r < reading_.row_count; ++r) {
        const float* from = space_.hidden.data() + reading_.rows[r] * wide_;
        std::copy(from, from + wide_, space_.next.data() + r * wide_);
    }
    std::swap(space_.hidden, space_.next);
    for (int s = 0; s <= batch_.sequences; ++s)
        row_offsets_[s] = static_cast<int>(
            std::lower_bound(reading_.rows, reading_.rows + reading_.row_count, batch_.offsets[s]) -
            reading_.rows);
    for (int s = 0; s < batch_.sequences; ++s)
        for (int r = row_offsets_[s]; r < row_offsets_[s + 1]; ++r)
            places_[r] = reading_.rows[r] - batch_.offsets[s];
    rows_ = reading_.row_count;
    chosen_ = true;
}

void Walk::attend() {
    const int heads = encoder_.shape.heads;
    team_.share(heads * batch_.sequences, [&](int begin, int end, int thread) {
        for (int s = begin / heads; s * heads < end; ++s)
            attend(s, std::max(begin - s * heads, 0), std::min(end - s * heads, heads),
                   space_.scratch[thread].data());
    });
}

void Walk::attend(int s, int first_head, int last_head, float* scratch) {
    const int width = encoder_.shape.width / encoder_.shape.heads, reach = encoder_.reach;
    const std::size_t kv_wide = row_stride(2 * encoder_.shape.width);
    const int begin = batch_.offsets[s], first = row_offsets_[s];
    Attention a;
    a.queries = row_offsets_[s + 1] - first;
    a.tokens = batch_.offsets[s + 1] - begin;
    if (a.queries == 0) return;
    if (chosen_) a.positions = places_.data() + first;
    a.q_stride = a.out_stride = wide_;
    a.kv_stride = kv_wide;
    a.width = width;
    a.scale = 1.0f / std::sqrt(static_cast<float>(width));
    a.scratch = scratch;
    for (int h = first_head; h < last_head; ++h) {
        a.q = space_.query.data() + first * wide_ + h * width;
        a.k = space_.key_value.data() + begin * kv_wide + h * width;
        a.v = a.k + encoder_.shape.width;
        a.out = space_.context.data() + first * wide_ + h * width;
        if (reach)
            a.relative = encoder_.relative.data() + h * (2 * static_cast<std::size_t>(reach) - 1) + reach - 1;
        kernels_.attend(a);
    }
}

void Walk::feed_forward(const Block& block) {
    const Shape& shape = encoder_.shape;
    for (int r = 0; r < rows_; r += step()) {
        const int count = std::min(step(), rows_ - r);
        float* x = space_.hidden.data() + r * wide_;
        float* y = space_.next.data() + r * wide_;
        float* inner = space_.inner.data() + r * inner_;
        const Input mixed =
            converted(block.attention_output, space_.context.data() + r * wide_, wide_, count);
        multiply(block.attention_output, mixed, count, {.residual = x, .residual_stride = wide_}, y,
                 wide_);
        normalize(block.attention_norm, y, wide_, count, shape.width);
        const Input attended = converted(block.intermediate, y, wide_, count);
        multiply(block.intermediate, attended, count, {.activation = shape.activation}, inner, inner_);
        const Input activated = converted(block.output, inner, inner_, count);
        multiply(block.output, activated, count, {.residual = y, .residual_stride = wide_}, x, wide_);
        normalize(block.output_norm, x, wide_, count, shape.width);
    }
}

void Walk::normalize(const Norm& norm, float* rows, std::size_t stride, int count, int width) {
    share_rows(team_, count, [&](int begin, int end) {
        kernels_.layer_norm(rows + begin * stride, stride, end - begin, width, norm.gain.data(),
                            norm.bias.data(), encoder_.shape.epsilon);
    });
}

Input Walk::converted(const Matrix& m, const float* x, std::size_t stride, int rows) {
    if (m.format == Format::f32) return {x, stride * sizeof(float), nullptr};
    const std::size_t bytes = converted_bytes(m);
    unsigned char* to = space_.converted.data();
    share_rows(team_, rows, [&](int begin, int end) {
        kernels_.convert(m, x + begin * stride, stride, end - begin, to + begin * bytes, bytes,
                         space_.scales.data() + static_cast<std::size_t>(begin) * m.groups);
    });
    return {to, bytes, space_.scales.data()};
}

void Walk::multiply(const Matrix& m, const Input& x, int rows, const Epilogue& e, float* out,
                    std::size_t stride) {
    team_.share(m.panels, [&](int begin, int end, int) {
        kernels_.multiply(m, x, rows, begin, end, e, out, stride);
    });
}

void Walk::read(int layer) {
    copy_hidden_states(layer);
    for (int s = 0; s < batch_.sequences; ++s) {
        for (std::size_t i = 0; i < reading_.linear.size(); ++i)
            if (reading_.linear[i].layer == layer) read_linear(static_cast<int>(i), s);
        for (std::size_t i = 0; i < reading_.maxima.size(); ++i)
            read_maximum(static_cast<int>(i), layer, s);
    }
}

void Walk::copy_hidden_states(int layer) {
    const auto& layers = reading_.hidden_states;
    const auto at = std::find(layers.begin(), layers.end(), layer);
    if (at == layers.end()) return;
    const std::size_t width = encoder_.shape.width;
    float* out = reading_.hidden_out + (at - layers.begin()) * static_cast<std::size_t>(rows_) * width;
    share_rows(team_, rows_, [&](int begin, int end) {
        for (int r = begin; r < end; ++r)
            std::copy_n(space_.hidden.data() + r * wide_, width, out + r * width);
    });
}

void Walk::read_linear(int pool, int s) {
    const int width = encoder_.shape.width;
    const float* weights =
        reading_.weights + static_cast<std::size_t>(reading_.linear[pool].weights) * batch_.tokens();
    float* out = reading_.out + (static_cast<std::size_t>(pool) * batch_.sequences + s) * wide_;
    if (std::isnan(weights[batch_.offsets[s]])) {
        std::fill(out, out + width, std::numeric_limits<float>::quiet_NaN());
        return;
    }
    std::fill(out, out + wide_, 0.0f);
    for (int r = row_offsets_[s]; r < row_offsets_[s + 1]; ++r) {
        const float weight = weights[chosen_ ? reading_.rows[r] : r];
        if (weight != 0) kernels_.accumulate(out, space_.hidden.data() + r * wide_, weight, width);
    }
}

void Walk::read_maximum(int maximum, int layer, int s) {
    const auto& [row, terms] = reading_.maxima[maximum];
    const auto term = std::find_if(terms.begin(), terms.end(), [&](auto& t) { return t.first == layer; });
    if (term == terms.end()) return;
    const int width = encoder_.shape.width, begin = batch_.offsets[s], end = batch_.offsets[s + 1];
    const float* from = space_.hidden.data();
    if (terms.size() > 1 || term->second != 1.0f) {
        float* mix = space_.mixes[maximum].data();
        for (int t = begin; t < end; ++t) {
            if (term == terms.begin()) std::fill(mix + t * wide_, mix + (t + 1) * wide_, 0.0f);
            kernels_.accumulate(mix + t * wide_, from + t * wide_, term->second, width);
        }
        from = mix;
    }
    if (term + 1 != terms.end()) return;
    const float* weights = reading_.weights + static_cast<std::size_t>(row) * batch_.tokens();
    float* out = reading_.out +
                 ((reading_.linear.size() + maximum) * batch_.sequences + s) * wide_;
    bool any = false;
    std::fill(out, out + wide_, -std::numeric_limits<float>::infinity());
    for (int t = begin; t < end; ++t) {
        if (weights[t] == 0) continue;
        any = true;
        kernels_.maximum(out, from + t * wide_, width);
    }
    if (!any) std::fill(out, out + width, std::numeric_limits<float>::quiet_NaN());
}

// tanh(W [CLS] + b) of the last hidden state.
void Walk::pool_first() {
    float* first = space_.first.data();
    float* made = first + batch_.sequences * wide_;
    const int width = encoder_.shape.width;
    for (int s = 0; s < batch_.sequences; ++s) {
        const float* row = space_.hidden.data() + row_offsets_[s] * wide_;
        std::copy(row, row + wide_, first + s * wide_);
    }
    const Input x = converted(encoder_.pooler, first, wide_, batch_.sequences);
    multiply(encoder_.pooler, x, batch_.sequences, {}, made, wide_);
    float* out = reading_.out +
                 (reading_.linear.size() + reading_.maxima.size()) * batch_.sequences * wide_;
    for (int s = 0; s < batch_.sequences; ++s)
        for (int i = 0; i < width; ++i) out[s * wide_ + i] = std::tanh(made[s * wide_ + i]);
}

}  // namespace poolwise
