#include "build.h"

#include <cmath>

#include "packing.h"

namespace poolwise {
namespace {

constexpr int max_width = 1 << 20;
constexpr int padding = 64;  // floats behind an array, so that kernels can read whole vectors

// Checks the shape of each array before its values are copied or packed.
class EncoderBuilder {
public:
    EncoderBuilder(const Kernels& kernels, Format format, const Shape& shape)
        : format_(format),
          encoder_(std::make_unique<Encoder>(kernels, shape)),
          packer_(kernels, encoder_->pages) {}

    void set_embeddings(const EncoderArrays& arrays) {
        const auto& [words, token_type] = std::tie(arrays.words, arrays.token_type);
        Embeddings& tables = encoder_->embeddings;
        tables.width = extent(words, 1);
        tables.vocabulary = extent(words, 0);
        expect_within(tables.width, 1, max_width, "the width of words");
        expect(tables.vocabulary > 0, "there are no words");
        if (token_type) expect_shape(*token_type, {tables.width}, "type");
        expect(arrays.projection || tables.width == width(),
               "embeddings of another width need a projection");
        if (arrays.norm) tables.norm = norm(*arrays.norm, tables.width, "norm");
        if (arrays.projection)
            tables.projection = matrix(*arrays.projection, tables.width, width(), "projection");
        if (arrays.projected_norm)
            tables.projected_norm = norm(*arrays.projected_norm, width(), "projected_norm");
        expect_aligned(words, "words");
        if (token_type) expect_aligned(*token_type, "type");
        tables.words = words.data();
        tables.token_type = token_type ? token_type->data() : nullptr;
    }

    void set_positions(const std::optional<Floats<2>>& positions,
                       const std::vector<Floats<3>>& rotary,
                       const std::optional<Ints>& distance_rows) {
        expect(positions || !rotary.empty() || distance_rows, "there are no positions");
        Embeddings& tables = encoder_->embeddings;
        tables.max_positions = positions         ? extent(*positions, 0)
                               : !rotary.empty() ? extent(rotary[0], 0)
                                                 : (extent(*distance_rows, 0) + 1) / 2;
        expect(tables.max_positions > 0, "there are no positions");
        if (distance_rows) set_distance_rows(*distance_rows);
        if (positions) {
            expect_shape(*positions, {tables.max_positions, tables.width}, "positions");
            expect_aligned(*positions, "positions");
            tables.positions = positions->data();
        }
        const int head_width = encoder_->shape.head_width;
        expect(rotary.empty() || head_width % 2 == 0, "rotary positions need an even head_width");
        for (const Floats<3>& table : rotary) {
            expect_shape(table, {tables.max_positions, 2, head_width / 2}, "rotary");
            encoder_->rotary.push_back(copy_floats(table));
        }
    }

    void add_block(const BlockArrays& arrays) {
        const auto& [layers, norms, window, rotary, relative_keys, relative_queries] = arrays;
        const Shape& shape = encoder_->shape;
        const int queries = shape.query_width(), keys = shape.key_value_width();
        expect_roles(layers,
                     {"query", "key", "value", "attention_output", "intermediate", "output"},
                     {"gate"});
        expect_roles(
            norms, {},
            {"attention_input_norm", "attention_norm", "feed_forward_input_norm", "output_norm"});
        const auto layer = [&](const char* role, int in, int out) {
            const auto match = layers.find(role);
            return match == layers.end() ? Matrix() : matrix(match->second, in, out, role);
        };
        const auto norm_of = [&](const char* role) {
            const auto match = norms.find(role);
            return match == norms.end() ? Norm() : norm(match->second, width(), role);
        };
        Block block;
        block.attention_input_norm = norm_of("attention_input_norm");
        block.query = layer("query", width(), queries);
        block.key_value = packer_.pack({checked(layers.at("key"), width(), keys, "key"),
                                        checked(layers.at("value"), width(), keys, "value")},
                                       keys, width(), format_, "key or value");
        block.attention_output = layer("attention_output", queries, width());
        block.attention_norm = norm_of("attention_norm");
        block.feed_forward_input_norm = norm_of("feed_forward_input_norm");
        block.intermediate = layer("intermediate", width(), shape.inner);
        block.gate = layer("gate", width(), shape.inner);
        block.output = layer("output", shape.inner, width());
        block.output_norm = norm_of("output_norm");
        block.window = window.value_or(AttentionHead::every_key);
        expect_within(block.window, 0, AttentionHead::every_key, "window");
        block.rotary = rotary.value_or(-1);
        if (rotary)
            expect_within(*rotary, 0, static_cast<int>(encoder_->rotary.size()) - 1, "rotary");
        if (relative_keys) block.relative_keys = relative_matrices(*relative_keys);
        if (relative_queries) {
            expect_relative(*relative_queries, "relative_queries");
            block.relative_queries = copy_floats(*relative_queries);
        }
        encoder_->blocks.push_back(std::move(block));
    }

    void set_order(const std::vector<int>& order) {
        const int blocks = static_cast<int>(encoder_->blocks.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            expect_within(order[i], 0, blocks - 1, "order", i);
        encoder_->order = order;
    }

    void set_final_norm(const Gains& arrays) {
        encoder_->final_norm = norm(arrays, width(), "final_norm");
    }

    void set_pooler(const Linear& pooler) {
        encoder_->pooler = matrix(pooler, width(), width(), "pooler");
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

    void set_distance_rows(const Ints& rows) {
        expect_shape(rows, {2 * encoder_->embeddings.max_positions - 1}, "distance_rows");
        encoder_->distance_rows = to_vector<int>(rows);
        int previous = 0;
        for (std::size_t i = 0; i < encoder_->distance_rows.size(); ++i) {
            expect_within(encoder_->distance_rows[i], previous, max_width, "distance_rows", i);
            previous = encoder_->distance_rows[i];
        }
        encoder_->relative_rows = previous + 1;
    }

    void expect_relative(const Floats<3>& table, const char* name) const {
        const Shape& shape = encoder_->shape;
        expect(!encoder_->distance_rows.empty(), std::string(name) + " without distance_rows");
        expect(shape.heads == shape.key_value_heads, std::string(name) + " with grouped heads");
        expect_shape(table, {shape.heads, encoder_->relative_rows, shape.head_width}, name);
    }

    std::vector<Matrix> relative_matrices(const Floats<3>& table) {
        expect_relative(table, "relative_keys");
        const int rows = encoder_->relative_rows, head_width = encoder_->shape.head_width;
        const std::size_t size = static_cast<std::size_t>(rows) * head_width;
        std::vector<Matrix> matrices;
        for (int h = 0; h < encoder_->shape.heads; ++h)
            matrices.push_back(packer_.pack({{table.data() + h * size, nullptr}}, rows, head_width,
                                            Format::f32, "relative_keys"));
        return matrices;
    }

    template <class Array>
    static Buffer<float> copy_floats(const Array& array) {
        Buffer<float> floats(array.size() + padding);
        copy_bytes(floats.data(), array);
        return floats;
    }

    Norm norm(const Gains& arrays, int width, const char* name) const {
        const auto& [gain, bias] = arrays;
        expect(!bias || encoder_->shape.normalization == Normalization::layer,
               "an RMSNorm has no bias");
        expect_shape(gain, {width}, name);
        if (!bias) return {copy_floats(gain), Buffer<float>(width + padding)};
        expect_shape(*bias, {width}, name);
        return {copy_floats(gain), copy_floats(*bias)};
    }

    // Throws unless the keys are the required ones and, perhaps, optional ones.
    template <class Arrays>
    static void expect_roles(const std::map<std::string, Arrays>& arrays,
                             std::initializer_list<const char*> required,
                             std::initializer_list<const char*> optional) {
        std::size_t known = 0;
        for (const char* role : required) {
            expect(arrays.count(role), std::string("a block has no ") + role);
            ++known;
        }
        for (const char* role : optional) known += arrays.count(role);
        expect(known == arrays.size(), "a block has an array of an unknown role");
    }

    Matrix matrix(const Linear& layer, int in, int out, const char* name) {
        return packer_.pack({checked(layer, in, out, name)}, out, in, format_, name);
    }

    static LinearWeights checked(const Linear& layer, int in, int out, const char* name) {
        expect_shape(layer.first, {out, in}, name);
        if (!layer.second) return {layer.first.data(), nullptr};
        expect_shape(*layer.second, {out}, name);
        return {layer.first.data(), layer.second->data()};
    }

    const Format format_;
    std::unique_ptr<Encoder> encoder_;
    LayerPacker packer_;
};

}  // namespace

std::unique_ptr<const Encoder> build_encoder(const Kernels& kernels, Format format,
                                             const Shape& shape, const EncoderArrays& arrays) {
    expect_within(shape.width, 1, max_width, "width");
    expect_within(shape.inner, 1, max_width, "inner");
    expect_within(shape.heads, 1, max_width, "heads");
    expect_within(shape.key_value_heads, 1, shape.heads, "key_value_heads");
    expect(shape.heads % shape.key_value_heads == 0, "heads are no multiple of key_value_heads");
    expect_within(shape.head_width, 1, max_width / shape.heads, "head_width");
    for (const auto& [value, name] :
         {std::pair{shape.attention_scale, "attention_scale"}, {shape.epsilon, "epsilon"}})
        expect(std::isfinite(value) && value >= 0, std::string(name) + " is no number from 0 up");
    EncoderBuilder builder(kernels, format, shape);
    builder.set_embeddings(arrays);
    builder.set_positions(arrays.positions, arrays.rotary, arrays.distance_rows);
    for (const BlockArrays& block : arrays.blocks) builder.add_block(block);
    builder.set_order(arrays.order);
    if (arrays.final_norm) builder.set_final_norm(*arrays.final_norm);
    if (arrays.pooler) builder.set_pooler(*arrays.pooler);
    if (arrays.relative_bias) builder.set_relative_bias(*arrays.relative_bias);
    return builder.finish();
}

}  // namespace poolwise
