#include "build.h"

#include <cmath>

namespace poolwise {
namespace {

constexpr int widest = 1 << 20;

// Where int8 costs most: queries, keys and values read a hidden state with a few huge components. In
// int16 they bring the cosine of MiniLM's shortest texts from .993 to .997.
Format precise(Format format) { return format == Format::i8 ? Format::i16 : format; }

class Builder {
public:
    Builder(const Kernels& kernels, Format format, const Shape& shape)
        : format_(format), encoder_(std::make_unique<Encoder>(kernels, shape)) {}

    void embeddings(const EncoderArrays& a) {
        Embeddings& e = encoder_->embeddings;
        e.width = extent(a.words, 1);
        e.vocabulary = extent(a.words, 0);
        e.most = extent(a.positions, 0);
        expect_within(e.width, 1, widest, "the width of words");
        expect(e.vocabulary > 0 && e.most > 0, "there are no words or no positions");
        expect_shape(a.positions, {e.most, e.width}, "positions");
        if (a.type) expect_shape(*a.type, {e.width}, "type");
        expect(a.projection || e.width == width(), "embeddings of another width need a projection");
        e.norm = norm(a.norm, e.width, "norm");
        if (a.projection) e.projection = matrix({&*a.projection}, e.width, width(), format_, "projection");
        expect_aligned(a.words, "words");
        expect_aligned(a.positions, "positions");
        if (a.type) expect_aligned(*a.type, "type");
        e.words = a.words.data();
        e.positions = a.positions.data();
        e.type = a.type ? a.type->data() : nullptr;
    }

    void block(const BlockArrays& arrays) {
        const auto& [query, key, value, attention_output, attention_norm, intermediate, output,
                     output_norm] = arrays;
        const int inner = encoder_->shape.inner;
        Block made;
        made.query = matrix({&query}, width(), width(), precise(format_), "query");
        made.key_value = matrix({&key, &value}, width(), width(), precise(format_), "key or value");
        made.attention_output = matrix({&attention_output}, width(), width(), format_, "attention_output");
        made.attention_norm = norm(attention_norm, width(), "attention_norm");
        made.intermediate = matrix({&intermediate}, width(), inner, format_, "intermediate");
        made.output = matrix({&output}, inner, width(), format_, "output");
        made.output_norm = norm(output_norm, width(), "output_norm");
        encoder_->blocks.push_back(std::move(made));
    }

    void pooler(const Linear& pooler) {
        encoder_->pooler = matrix({&pooler}, width(), width(), format_, "pooler");
    }

    void relative(const Floats<2>& table) {
        const int distances = extent(table, 1);
        expect_shape(table, {encoder_->shape.heads, distances}, "relative");
        expect(distances % 2 == 1, "relative has as many distances before a token as behind it, and 0");
        encoder_->reach = (distances + 1) / 2;
        encoder_->relative = copy(table);
    }

    std::unique_ptr<const Encoder> done() { return std::move(encoder_); }

private:
    int width() const { return encoder_->shape.width; }

    int panel(Format format) const {
        const Kernels& kernels = encoder_->kernels;
        if (format == Format::f32) return kernels.float_panel;
        return format == Format::f16 ? kernels.half_panel : kernels.integer_panel;
    }

    // With room for whole vectors.
    template <class Array>
    static Buffer<float> copy(const Array& from) {
        Buffer<float> to(from.size() + 64);
        copy_into(to.data(), from);
        return to;
    }

    static Norm norm(const Gains& norm, int width, const char* name) {
        expect_shape(norm.first, {width}, name);
        expect_shape(norm.second, {width}, name);
        return {copy(norm.first), copy(norm.second)};
    }

    // Layers over the same input, [out, in] each, one below the other.
    Matrix matrix(std::initializer_list<const Linear*> layers, int in, int out, Format format,
                  const char* name) {
        for (const Linear* layer : layers) {
            expect_shape(layer->first, {out, in}, name);
            expect_shape(layer->second, {out}, name);
        }
        const std::size_t each = static_cast<std::size_t>(out) * in, count = layers.size();
        weights_.resize(count * each);
        bias_.resize(count * out);
        std::size_t at = 0;
        for (const Linear* layer : layers) {
            copy_into(weights_.data() + at * each, layer->first);
            copy_into(bias_.data() + at++ * out, layer->second);
        }
        if (format == Format::i8 || format == Format::i16)
            for (std::size_t i = 0; i < count * each; ++i)
                if (!std::isfinite(weights_[i]))
                    throw std::invalid_argument(std::string(name) + " has weights that no integer stands for");
        return pack(weights_.data(), bias_.data(), static_cast<int>(count) * out, in, format, panel(format),
                    encoder_->pages);
    }

    const Format format_;
    std::unique_ptr<Encoder> encoder_;
    Buffer<float> weights_, bias_;  // of the matrix at hand, while it is packed
};

}  // namespace

std::unique_ptr<const Encoder> build(const Kernels& kernels, Format format, const Shape& shape,
                                     const EncoderArrays& arrays) {
    expect_within(shape.width, 1, widest, "width");
    expect_within(shape.inner, 1, widest, "inner");
    expect_within(shape.heads, 1, shape.width, "heads");
    expect(shape.width % shape.heads == 0, "the width is no multiple of the heads");
    expect(std::isfinite(shape.epsilon) && shape.epsilon >= 0, "epsilon is no number from 0 up");
    Builder builder(kernels, format, shape);
    builder.embeddings(arrays);
    for (const BlockArrays& block : arrays.blocks) builder.block(block);
    if (arrays.pooler) builder.pooler(*arrays.pooler);
    if (arrays.relative) builder.relative(*arrays.relative);
    return builder.done();
}

}  // namespace poolwise
