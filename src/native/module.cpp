// The door to Python: checks every array, then lets go of the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "cpu.h"
#include "encoder.h"

namespace nb = nanobind;
using namespace poolwise;

namespace {

template <int Dimensions>
using Floats = nb::ndarray<const float, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
using Ints = nb::ndarray<const int, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Linear = std::pair<Floats<2>, Floats<1>>;  // weight [out, in], bias [out]
using Gains = std::pair<Floats<1>, Floats<1>>;

void expect(bool holds, const std::string& what) {
    if (!holds) throw nb::value_error(what.c_str());
}

template <class Array>
int extent(const Array& array, int axis) {
    expect(array.shape(axis) < (1u << 30), "an array is larger than any encoder's");
    return static_cast<int>(array.shape(axis));
}

const std::map<std::string, Activation> activations = {
    {"gelu", Activation::gelu}, {"gelu_tanh", Activation::gelu_tanh},
    {"relu", Activation::relu}, {"silu", Activation::silu},
};

const Kernels& kernels_of(const std::string& level) {
    for (const Kernels* kernels : available_kernels())
        if (level == kernels->level) return *kernels;
    expect(level == portable_kernels.level, "this CPU does not have " + level);
    return portable_kernels;
}

class NativeEncoder {
public:
    NativeEncoder(const std::string& level, const std::string& precision, int width, int heads,
                  int inner, float epsilon, const std::string& activation)
        : kernels_(kernels_of(level)), format_(format_of(precision)) {
        expect(width > 0 && heads > 0 && inner > 0 && width % heads == 0, "the sizes do not fit");
        expect(activations.count(activation), "unknown activation " + activation);
        encoder_ = std::make_unique<Encoder>(
            kernels_, Shape{width, heads, inner, epsilon, activations.at(activation)});
    }

    void set_embeddings(Floats<2> words, Floats<2> positions, std::optional<Floats<1>> type, Gains norm,
                        std::optional<Linear> projection) {
        Embeddings& e = encoder_->embeddings;
        e.width = extent(words, 1);
        expect(extent(positions, 1) == e.width, "words and positions differ in width");
        expect(!type || extent(*type, 0) == e.width, "words and token type differ in width");
        expect(projection || e.width == encoder_->shape.width, "the embeddings need a projection");
        e.vocabulary = extent(words, 0);
        e.most = extent(positions, 0);
        e.norm = norm_of(norm, e.width);
        if (projection) e.projection = matrix({*projection}, e.width, {encoder_->shape.width}, format_);
        tables_ = {nb::cast(words), nb::cast(positions), type ? nb::cast(*type) : nb::none()};
        e.words = words.data();
        e.positions = positions.data();
        e.type = type ? type->data() : nullptr;
    }

    void add_block(Linear query, Linear key, Linear value, Linear attention_output, Gains attention_norm,
                   Linear intermediate, Linear output, Gains output_norm) {
        const int width = encoder_->shape.width, inner = encoder_->shape.inner;
        Block block;
        block.query = matrix({query}, width, {width}, precise());
        block.key_value = matrix({key, value}, width, {width, width}, precise());
        block.attention_output = matrix({attention_output}, width, {width}, format_);
        block.attention_norm = norm_of(attention_norm, width);
        block.intermediate = matrix({intermediate}, width, {inner}, format_);
        block.output = matrix({output}, inner, {width}, format_);
        block.output_norm = norm_of(output_norm, width);
        encoder_->blocks.push_back(std::move(block));
    }

    void set_pooler(Linear pooler) {
        encoder_->pooler = matrix({pooler}, encoder_->shape.width, {encoder_->shape.width}, format_);
    }

    // [heads, 2 * reach - 1]: the bias by key minus query, from 1 - reach up.
    void set_relative(Floats<2> table) {
        expect(extent(table, 0) == encoder_->shape.heads && extent(table, 1) % 2 == 1,
               "the table of relative positions does not fit");
        encoder_->reach = (extent(table, 1) + 1) / 2;
        encoder_->relative = copy(table.data(), table.size());
    }

    // Vectors [linear, then maxima, then the pooler; sequence; width].
    nb::ndarray<nb::numpy, float, nb::ndim<3>> run(
        Ints ids, Ints positions, Ints offsets, int deepest, std::optional<Ints> rows, Floats<2> weights,
        std::vector<std::pair<int, int>> linear,
        std::vector<std::pair<int, std::vector<std::pair<int, float>>>> maxima, bool pooler,
        int threads) const {
        Batch batch{ids.data(), positions.data(), offsets.data(), extent(offsets, 0) - 1};
        check(batch, extent(ids, 0), extent(positions, 0));
        Reading reading;
        reading.deepest = deepest;
        expect(deepest >= 0 && deepest <= static_cast<int>(encoder_->blocks.size()), "no such layer");
        if (rows) {
            reading.rows = rows->data();
            reading.row_count = extent(*rows, 0);
            for (int i = 0; i < reading.row_count; ++i)
                expect(reading.rows[i] >= 0 && reading.rows[i] < batch.tokens() &&
                           (i == 0 || reading.rows[i] > reading.rows[i - 1]),
                       "rows must rise within the batch");
        }
        expect(extent(weights, 1) == batch.tokens(), "one weight for each token");
        const auto exists = [&](int layer, int pool) {
            expect(layer >= 0 && layer <= deepest && pool >= 0 && pool < extent(weights, 0),
                   "a pool names a layer or weights that are not there");
        };
        reading.weights = weights.data();
        for (const auto& [layer, pool] : linear) {
            exists(layer, pool);
            reading.linear.push_back({layer, pool});
        }
        for (auto& [pool, terms] : maxima) {
            expect(!terms.empty(), "a maximum over no layer");
            for (std::size_t i = 0; i < terms.size(); ++i) {
                exists(terms[i].first, pool);
                expect(i == 0 || terms[i].first > terms[i - 1].first, "a maximum's layers must rise");
                expect(!rows || terms[i].first < deepest, "a maximum needs every row");
            }
            reading.maxima.push_back({pool, terms});
        }
        reading.pooler = pooler;
        expect(!pooler || (encoder_->pooler.out && deepest == static_cast<int>(encoder_->blocks.size())),
               "the pooler reads the last layer");
        expect(threads >= 1 && threads <= 64, "threads: 1 to 64");
        return vectors(batch, reading, threads);
    }

private:

    Format format_of(const std::string& precision) const {
        if (precision == "exact") return Format::f32;
        if (precision == "fast") return kernels_.bytes ? Format::i8 : Format::i16;
        expect(precision == "near" && kernels_.half_panel, "this CPU does not run at " + precision);
        return Format::f16;
    }

    // Where int8 costs most: queries, keys and values read a hidden state with a few huge components. In
    // int16 they bring the cosine of MiniLM's shortest texts from .993 to .997.
    Format precise() const { return format_ == Format::i8 ? Format::i16 : format_; }

    int panel(Format format) const {
        if (format == Format::f32) return kernels_.float_panel;
        return format == Format::f16 ? kernels_.half_panel : kernels_.integer_panel;
    }

    static Buffer<float> copy(const float* from, std::size_t count) {
        Buffer<float> to(count + 64);
        std::copy(from, from + count, to.data());
        return to;
    }

    static Norm norm_of(const Gains& norm, int width) {
        expect(extent(norm.first, 0) == width && extent(norm.second, 0) == width,
               "a layer norm does not fit");
        return {copy(norm.first.data(), norm.first.size()), copy(norm.second.data(), norm.second.size())};
    }

    // Layers over the same input, one below the other.
    Matrix matrix(const std::vector<Linear>& layers, int in, const std::vector<int>& outs,
                  Format format) const {
        int out = 0;
        for (int o : outs) out += o;
        Buffer<float> weights(static_cast<std::size_t>(out) * in), bias(out);
        std::size_t row = 0;
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const auto& [w, b] = layers[i];
            expect(extent(w, 0) == outs[i] && extent(w, 1) == in && extent(b, 0) == outs[i],
                   "a linear layer does not fit");
            std::copy(w.data(), w.data() + w.size(), weights.data() + row * in);
            std::copy(b.data(), b.data() + b.size(), bias.data() + row);
            row += outs[i];
        }
        return pack(weights.data(), bias.data(), out, in, format, panel(format), encoder_->pages);
    }

    void check(const Batch& batch, int ids, int positions) const {
        expect(batch.sequences >= 1 && batch.offsets[0] == 0 && batch.tokens() == ids && positions == ids,
               "ids, positions and offsets do not fit each other");
        for (int s = 0; s < batch.sequences; ++s) {
            const long length = static_cast<long>(batch.offsets[s + 1]) - batch.offsets[s];
            expect(length >= 1, "a sequence without tokens");
            expect(batch.offsets[s + 1] <= ids, "ids, positions and offsets do not fit each other");
            expect(!encoder_->reach || length <= encoder_->reach, "a sequence is too long");
        }
        const Embeddings& e = encoder_->embeddings;
        expect(e.words != nullptr, "no embeddings yet");
        for (int t = 0; t < ids; ++t) {
            expect(batch.ids[t] >= 0 && batch.ids[t] < e.vocabulary, "a token id is not in the vocabulary");
            expect(batch.positions[t] >= 0 && batch.positions[t] < e.most, "a position is out of range");
        }
    }

    nb::ndarray<nb::numpy, float, nb::ndim<3>> vectors(const Batch& batch, Reading& reading,
                                                       int threads) const {
        const std::size_t width = encoder_->shape.width, stride = row_stride(encoder_->shape.width);
        const std::size_t rows = reading.vectors() * batch.sequences;
        auto made = std::make_unique<float[]>(std::max<std::size_t>(rows * width, 1));
        {
            const nb::gil_scoped_release released;
            Buffer<float> wide(rows * stride);
            reading.out = wide.data();
            encoder_->run(batch, reading, threads);
            for (std::size_t r = 0; r < rows; ++r)
                std::copy(wide.data() + r * stride, wide.data() + r * stride + width,
                          made.get() + r * width);
        }
        float* data = made.get();
        nb::capsule owner(made.release(), [](void* p) noexcept { delete[] static_cast<float*>(p); });
        return {data,
                {reading.vectors(), static_cast<std::size_t>(batch.sequences), width},
                owner};
    }

    const Kernels& kernels_;
    const Format format_;
    std::unique_ptr<Encoder> encoder_;
    std::vector<nb::object> tables_;
};

}  // namespace

NB_MODULE(_native, m) {
    m.doc() = "The native engine's core: packed batches through BERT-style encoders, pooled on the way.";
    m.def("levels", [] {
        std::vector<std::string> names;
        for (const Kernels* kernels : available_kernels()) names.emplace_back(kernels->level);
        return names;
    });
    m.def("has_half", [](const std::string& level) { return kernels_of(level).half_panel > 0; });
    nb::class_<NativeEncoder>(m, "Encoder")
        .def(nb::init<const std::string&, const std::string&, int, int, int, float, const std::string&>(),
             nb::arg("level"), nb::arg("precision"), nb::arg("width"), nb::arg("heads"), nb::arg("inner"),
             nb::arg("epsilon"), nb::arg("activation"))
        .def("set_embeddings", &NativeEncoder::set_embeddings, nb::arg("words"), nb::arg("positions"),
             nb::arg("type").none(), nb::arg("norm"), nb::arg("projection").none())
        .def("add_block", &NativeEncoder::add_block, nb::arg("query"), nb::arg("key"), nb::arg("value"),
             nb::arg("attention_output"), nb::arg("attention_norm"), nb::arg("intermediate"),
             nb::arg("output"), nb::arg("output_norm"))
        .def("set_pooler", &NativeEncoder::set_pooler, nb::arg("pooler"))
        .def("set_relative", &NativeEncoder::set_relative, nb::arg("table"))
        .def("run", &NativeEncoder::run, nb::arg("ids").noconvert(), nb::arg("positions").noconvert(),
             nb::arg("offsets").noconvert(), nb::arg("deepest"), nb::arg("rows").noconvert().none(),
             nb::arg("weights").noconvert(), nb::arg("linear"),
             nb::arg("maxima"), nb::arg("pooler"), nb::arg("threads"));
}
