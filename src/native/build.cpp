#include "build.h"

#include <cmath>

#include "packing.h"

namespace poolwise {
namespace {

constexpr int max_width = 1 << 20;

// Checks the shape of each array before its values are copied or packed.
class EncoderBuilder {
public:
    EncoderBuilder(const Kernels& kernels, LayerFormats formats, const Shape& shape)
        : formats_(formats),
          encoder_(std::make_unique<Encoder>(kernels, shape)),
          packer_(kernels, encoder_->pages) {}

    void set_embeddings(const EncoderArrays& arrays) {
        const auto& [words, positions, token_type] =
            std::tie(arrays.words, arrays.positions, arrays.token_type);
        Embeddings& tables = encoder_->embeddings;
        tables.width = extent(words, 1);
        tables.vocabulary = extent(words, 0);
        tables.max_positions = extent(positions, 0);
        expect_within(tables.width, 1, max_width, "the width of words");
        expect(tables.vocabulary > 0 && tables.max_positions > 0,
               "there are no words or no positions");
        expect_shape(positions, {tables.max_positions, tables.width}, "positions");
        if (token_type) expect_shape(*token_type, {tables.width}, "type");
        expect(arrays.projection || tables.width == width(),
               "embeddings of another width need a projection");
        tables.norm = norm(arrays.norm, tables.width, "norm");
        if (arrays.projection)
            tables.projection =
                matrix(*arrays.projection, tables.width, width(), formats_.other, "projection");
        expect_aligned(words, "words");
        expect_aligned(positions, "positions");
        if (token_type) expect_aligned(*token_type, "type");
        tables.words = words.data();
        tables.positions = positions.data();
        tables.token_type = token_type ? token_type->data() : nullptr;
    }

    void add_block(const BlockArrays& arrays) {
        const auto& [query, key, value, attention_output, attention_norm, intermediate, output,
                     output_norm] = arrays;
        const int inner = encoder_->shape.inner;
        const Format input = formats_.attention_input, other = formats_.other;
        Block block;
        block.query = matrix(query, width(), width(), input, "query");
        block.key_value = packer_.pack({checked(key, width(), width(), "key or value"),
                                        checked(value, width(), width(), "key or value")},
                                       width(), width(), input, "key or value");
        block.attention_output =
            matrix(attention_output, width(), width(), other, "attention_output");
        block.attention_norm = norm(attention_norm, width(), "attention_norm");
        block.intermediate = matrix(intermediate, width(), inner, other, "intermediate");
        block.output = matrix(output, inner, width(), other, "output");
        block.output_norm = norm(output_norm, width(), "output_norm");
        encoder_->blocks.push_back(std::move(block));
    }

    void set_pooler(const Linear& pooler) {
        encoder_->pooler = matrix(pooler, width(), width(), formats_.other, "pooler");
    }

    void set_relative_bias(const Floats<2>& table) {
        const int distances = extent(table, 1);
        expect_shape(table, {encoder_->shape.heads, distances}, "relative");
        expect(distances % 2 == 1,
               "relative has as many distances before a token as behind it, and 0");
        encoder_->relative_span = (distances + 1) / 2;
        encoder_->relative_bias = copy_floats(table);
    }

    std::unique_ptr<const Encoder> finish() { return std::move(encoder_); }

private:
    int width() const { return encoder_->shape.width; }

    // Padded, so that kernels can read whole vectors.
    template <class Array>
    static Buffer<float> copy_floats(const Array& array) {
        Buffer<float> floats(array.size() + 64);
        copy_bytes(floats.data(), array);
        return floats;
    }

    static LayerNorm norm(const Gains& arrays, int width, const char* name) {
        expect_shape(arrays.first, {width}, name);
        expect_shape(arrays.second, {width}, name);
        return {copy_floats(arrays.first), copy_floats(arrays.second)};
    }

    Matrix matrix(const Linear& layer, int in, int out, Format format, const char* name) {
        return packer_.pack({checked(layer, in, out, name)}, out, in, format, name);
    }

    static LinearWeights checked(const Linear& layer, int in, int out, const char* name) {
        expect_shape(layer.first, {out, in}, name);
        expect_shape(layer.second, {out}, name);
        return {layer.first.data(), layer.second.data()};
    }

    const LayerFormats formats_;
    std::unique_ptr<Encoder> encoder_;
    LayerPacker packer_;
};

}  // namespace

std::unique_ptr<const Encoder> build_encoder(const Kernels& kernels, LayerFormats formats,
                                             const Shape& shape, const EncoderArrays& arrays) {
    expect_within(shape.width, 1, max_width, "width");
    expect_within(shape.inner, 1, max_width, "inner");
    expect_within(shape.heads, 1, shape.width, "heads");
    expect(shape.width % shape.heads == 0, "the width is no multiple of the heads");
    expect(std::isfinite(shape.epsilon) && shape.epsilon >= 0, "epsilon is no number from 0 up");
    EncoderBuilder builder(kernels, formats, shape);
    builder.set_embeddings(arrays);
    for (const BlockArrays& block : arrays.blocks) builder.add_block(block);
    if (arrays.pooler) builder.set_pooler(*arrays.pooler);
    if (arrays.relative_bias) builder.set_relative_bias(*arrays.relative_bias);
    return builder.finish();
}

}  // namespace poolwise
