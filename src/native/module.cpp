// The Python binding. An encoder is immutable; the arguments of a call are copied, then checked,
// then run without the GIL.
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <map>

#include "build.h"
#include "cpu.h"
#include "gil.h"
#include "request.h"

using namespace poolwise;

namespace {

const std::map<std::string, Activation> activations = {
    {"gelu", Activation::gelu},
    {"gelu_tanh", Activation::gelu_tanh},
    {"relu", Activation::relu},
    {"silu", Activation::silu},
};

const std::map<std::string, Normalization> normalizations = {
    {"layer", Normalization::layer},
    {"rms", Normalization::rms},
};

const Kernels& kernels_of(const std::string& level) {
    for (const Kernels* kernels : available_kernels())
        if (level == kernels->level) return *kernels;
    expect(level == emulated_kernels.level, "this CPU does not have " + level);
    return emulated_kernels;
}

Activation activation_of(const std::string& name) {
    expect(activations.count(name), "unknown activation " + name);
    return activations.at(name);
}

Normalization normalization_of(const std::string& name) {
    expect(normalizations.count(name), "unknown normalization " + name);
    return normalizations.at(name);
}

using Array = nb::ndarray<nb::numpy, float, nb::ndim<3>>;

// Not zeroed, because every element is written.
std::unique_ptr<float[]> uninitialized_floats(std::size_t count) {
    return std::unique_ptr<float[]>(new float[std::max<std::size_t>(count, 1)]);
}

Array as_array(std::unique_ptr<float[]> values, std::initializer_list<std::size_t> shape) {
    nb::capsule owner(values.get(), [](void* p) noexcept { delete[] static_cast<float*>(p); });
    return Array(values.release(), shape, owner);
}

class PythonEncoder {
public:
    PythonEncoder(const std::string& level, const std::string& precision, int width, int heads,
                  int key_value_heads, int head_width, int inner, float epsilon,
                  float attention_scale, const std::string& activation,
                  const std::string& normalization, Floats<2> words,
                  std::optional<Floats<2>> positions, std::optional<Floats<1>> type,
                  std::optional<Gains> norm, std::optional<Linear> projection,
                  std::optional<Gains> projected_norm, std::vector<Floats<3>> rotary,
                  std::vector<BlockArrays> blocks, std::vector<int> order,
                  std::optional<Gains> final_norm, std::optional<Linear> pooler,
                  std::optional<Floats<2>> relative, std::optional<Ints> distance_rows)
        : words_(words), positions_(positions), token_type_(type) {
        const Kernels& kernels = kernels_of(level);
        const Shape shape{width,
                          heads,
                          key_value_heads,
                          head_width,
                          inner,
                          epsilon,
                          attention_scale,
                          activation_of(activation),
                          normalization_of(normalization)};
        encoder_ = build_encoder(
            kernels, layer_format(precision, kernels), shape,
            {words, positions, type, norm, projection, projected_norm, std::move(rotary),
             std::move(blocks), std::move(order), final_norm, pooler, relative, distance_rows});
    }

    // Vectors [linear, then maxima, then the pooler; sequence; width] and hidden states [layer;
    // token; width].
    std::pair<Array, Array> run(
        const Ints& ids, const Ints& positions, const Ints& offsets, int deepest,
        const std::optional<Ints>& rows, const Floats<2>& weights,
        const std::vector<std::pair<int, int>>& linear,
        std::vector<std::pair<int, std::vector<std::pair<int, float>>>> maxima, bool pooler,
        std::vector<int> hidden_states, int threads) const {
        expect_within(threads, 1, 64, "threads");
        Request request{to_vector<int>(ids),
                        to_vector<int>(positions),
                        to_vector<int>(offsets),
                        {},
                        extent(weights, 0),
                        to_vector<float>(weights),
                        {}};
        if (rows) request.rows = to_vector<int>(*rows);
        request.plan.deepest = deepest;
        request.plan.pooler = pooler;
        request.plan.hidden_states = std::move(hidden_states);
        for (const auto& [layer, pool] : linear) request.plan.linear.push_back({layer, pool});
        for (auto& [pool, terms] : maxima) request.plan.maxima.push_back({pool, std::move(terms)});
        expect_shape(weights, {request.pools, static_cast<int>(request.ids.size())}, "weights");
        request.check(*encoder_);
        return outputs(request, threads);
    }

private:
    std::pair<Array, Array> outputs(const Request& request, int threads) const {
        const std::size_t width = encoder_->shape.width, stride = row_stride(encoder_->shape.width);
        const std::size_t count = request.plan.vectors(), sequences = request.offsets.size() - 1;
        const std::size_t rows = count * sequences;
        const std::size_t layers = request.plan.hidden_states.size(), tokens = request.ids.size();
        auto vectors = uninitialized_floats(rows * width);
        auto states = uninitialized_floats(layers * tokens * width);
        {
            const ReleasedGil no_gil;
            Buffer<float> padded(rows * stride);
            encoder_->run(request.batch(), request.outputs_into(padded.data(), states.get()),
                          threads);
            for (std::size_t r = 0; r < rows; ++r)
                std::copy_n(padded.data() + r * stride, width, vectors.get() + r * width);
        }
        return {as_array(std::move(vectors), {count, sequences, width}),
                as_array(std::move(states), {layers, tokens, width})};
    }

    // Keeps the embedding tables alive, which the encoder references.
    const Floats<2> words_;
    const std::optional<Floats<2>> positions_;
    const std::optional<Floats<1>> token_type_;
    std::unique_ptr<const Encoder> encoder_;
};

}  // namespace

NB_MODULE(_native, m) {
    m.doc() =
        "The native engine's core: packed batches through BERT-style encoders, pooled on the way.";
    // At exit other packages, as spaCy and Haystack, keep the models alive, which are no leaks.
    nb::set_leak_warnings(false);
    m.def("levels", [] {
        std::vector<std::string> names;
        for (const Kernels* kernels : available_kernels()) names.emplace_back(kernels->level);
        return names;
    });
    m.def("has_precision", [](const std::string& level, const std::string& precision) {
        return has_precision(precision, kernels_of(level));
    });
    nb::class_<PythonEncoder>(m, "Encoder", nb::is_final())
        .def(nb::init<const std::string&, const std::string&, int, int, int, int, int, float, float,
                      const std::string&, const std::string&, Floats<2>, std::optional<Floats<2>>,
                      std::optional<Floats<1>>, std::optional<Gains>, std::optional<Linear>,
                      std::optional<Gains>, std::vector<Floats<3>>, std::vector<BlockArrays>,
                      std::vector<int>, std::optional<Gains>, std::optional<Linear>,
                      std::optional<Floats<2>>, std::optional<Ints>>(),
             nb::kw_only(), nb::arg("level"), nb::arg("precision"), nb::arg("width"),
             nb::arg("heads"), nb::arg("key_value_heads"), nb::arg("head_width"), nb::arg("inner"),
             nb::arg("epsilon"), nb::arg("attention_scale"), nb::arg("activation"),
             nb::arg("normalization"), nb::arg("words").noconvert(),
             nb::arg("positions").noconvert().none(), nb::arg("type").noconvert().none(),
             nb::arg("norm").noconvert().none(), nb::arg("projection").noconvert().none(),
             nb::arg("projected_norm").noconvert().none(), nb::arg("rotary").noconvert(),
             nb::arg("blocks").noconvert(), nb::arg("order"),
             nb::arg("final_norm").noconvert().none(), nb::arg("pooler").noconvert().none(),
             nb::arg("relative").noconvert().none(), nb::arg("distance_rows").noconvert().none())
        .def("run", &PythonEncoder::run, nb::kw_only(), nb::arg("ids").noconvert(),
             nb::arg("positions").noconvert(), nb::arg("offsets").noconvert(), nb::arg("deepest"),
             nb::arg("rows").noconvert().none(), nb::arg("weights").noconvert(), nb::arg("linear"),
             nb::arg("maxima"), nb::arg("pooler"), nb::arg("hidden_states"), nb::arg("threads"));
}
