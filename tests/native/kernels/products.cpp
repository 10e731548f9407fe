// Linear layers, with all that their stores do, by double arithmetic.
#include "tests.h"

namespace poolwise {
namespace {

double reference(Activation activation, double x) {
    switch (activation) {
        case Activation::gelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
        case Activation::gelu_tanh:
            return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        case Activation::relu: return x > 0 ? x : 0;
        case Activation::silu: return x / (1 + std::exp(-x));
        default: return x;
    }
}

// The largest error by a format's rounding, relative to the size of the sums.
double tolerance(Format f) {
    return f == Format::f32 ? 2e-6 : f == Format::f16 ? 4e-3 : f == Format::i16 ? 2e-3 : 2e-2;
}

std::vector<float> product(const Kernels& k, const Matrix& m, const std::vector<float>& x,
                           int first, int rows, const Epilogue& e) {
    const std::size_t stride = row_stride(m.out), bytes = converted_bytes(m);
    Buffer<float> in(rows * row_stride(m.in)), out(rows * stride), scales(rows);
    Buffer<unsigned char> converted(rows * bytes);
    for (int r = 0; r < rows; ++r)
        std::copy_n(x.data() + (first + r) * m.in, m.in, in.data() + r * row_stride(m.in));
    LinearInput input{in.data(), row_stride(m.in) * sizeof(float), nullptr};
    if (m.format != Format::f32) {
        k.convert(m, in.data(), row_stride(m.in), rows, converted.data(), bytes, scales.data());
        input = {converted.data(), bytes, scales.data()};
    }
    k.multiply(m, input, rows, 0, m.panels, e, out.data(), stride);
    std::vector<float> values;
    for (int r = 0; r < rows; ++r)
        values.insert(values.end(), out.data() + r * stride, out.data() + r * stride + m.out);
    return values;
}

}  // namespace

void test_products(const Kernels& k, Format format) {
    const int panel = panel_columns(k, format);
    const int shapes[][3] = {{1, 1, 1},    {1, 25, 7},   {3, 33, 5},    {7, 16, 16},  {13, 50, 64},
                             {5, 96, 130}, {2, 17, 515}, {29, 70, 257}, {6, 48, 1100}};
    for (const auto& [rows, out, in] : shapes) {
        auto w = noise(static_cast<std::size_t>(out) * in, 0.1f), x = noise(rows * in);
        const auto b = noise(out);
        // One input of many is far from the others, as in hidden states, and may cost integers
        // little; its weights are exact.
        const bool integers = is_int8(format) || format == Format::i16;
        const int huge = integers && in > 90 ? in / 2 : in;
        for (int r = 0; r < rows && huge < in; ++r) x[r * in + huge] *= 6;
        for (int o = 0; o < out && huge < in; ++o) w[o * in + huge] = o % 2 ? 0.5f : -0.5f;
        Pages pages;
        const Matrix m = pack(w.data(), b.data(), out, in, format, panel, pages);
        const auto outputs = product(k, m, x, 0, rows, {});
        const std::string label = std::string(k.level) + " " + name(format) + " " +
                                  std::to_string(rows) + "x" + std::to_string(in) + "x" +
                                  std::to_string(out);
        for (int r = 0; r < rows; ++r)
            for (int o = 0; o < out; ++o) {
                double sum = b[o], size = 0;
                for (int i = 0; i < in; ++i) {
                    const double p = static_cast<double>(x[r * in + i]) * w[o * in + i];
                    sum += p;
                    if (i != huge) size += p * p;
                }
                const double error = std::fabs(outputs[r * out + o] - sum);
                if (error > tolerance(format) * (1 + 4 * std::sqrt(size)))
                    return expect(false, label + " is off by " + std::to_string(error));
            }
        for (int r = 0; r < rows; ++r) {
            const auto alone = product(k, m, x, r, 1, {});
            expect(std::equal(alone.begin(), alone.end(), outputs.begin() + r * out),
                   label + " alone");
        }
    }
}

// Sums of integers are exact: products of matrices have the bits of dot products.
void test_same_bits(const Kernels& pairs, const Kernels& fours) {
    const int shapes[][3] = {{1, 1, 1}, {3, 33, 5}, {7, 16, 12}, {13, 50, 64}, {29, 70, 1100}};
    for (const auto& [rows, out, in] : shapes) {
        const auto w = noise(static_cast<std::size_t>(out) * in), b = noise(out);
        auto x = noise(rows * in);
        for (int r = 1; r < rows; ++r) x[r * in + random_numbers.below(in)] *= 9;
        const auto outputs = [&](const Kernels& k) {
            Pages pages;
            const Matrix m = pack(w.data(), b.data(), out, in, k.fast, k.panel, pages);
            return product(k, m, x, 0, rows, {});
        };
        expect(equal_bits(outputs(pairs), outputs(fours)),
               std::string("bits of ") + pairs.level + " and " + fours.level);
    }
}

// Numbers whose squares leave a float's range.
void test_magnitudes(const Kernels& k, Format format) {
    constexpr int rows = 2, in = 300, out = 20;
    if (format == Format::f16) return;
    for (float size : {1e-24f, 1e25f})
        for (bool of_weights : {false, true}) {
            auto w = noise(out * in), x = noise(rows * in);
            std::fill_n(w.begin(), in, 1.0f);  // the largest sum
            std::fill_n(x.begin(), in, 1.0f);
            for (float& value : of_weights ? w : x) value *= size;
            Pages pages;
            const Matrix m =
                pack(w.data(), nullptr, out, in, format, panel_columns(k, format), pages);
            const auto outputs = product(k, m, x, 0, rows, {});
            for (int r = 0; r < rows; ++r)
                for (int o = 0; o < out; ++o) {
                    double sum = 0;
                    for (int i = 0; i < in; ++i)
                        sum += static_cast<double>(x[r * in + i]) * w[o * in + i];
                    const double error = std::fabs(outputs[r * out + o] - sum) / size;
                    expect(error < in * tolerance(format), std::string(k.level) + " " +
                                                               name(format) + " of magnitude " +
                                                               std::to_string(std::log10(size)) +
                                                               " off by " + std::to_string(error));
                }
        }
}

void test_activations(const Kernels& k) {
    constexpr int in = 1, out = 2001;
    std::vector<float> w(out), b(out, 0.0f), x{1.0f};
    for (int i = 0; i < out; ++i) w[i] = (i - 1000) * 0.012f;
    Pages pages;
    const Matrix m = pack(w.data(), b.data(), out, in, Format::f32, k.panel, pages);
    for (Activation activation :
         {Activation::gelu, Activation::gelu_tanh, Activation::relu, Activation::silu}) {
        const auto outputs = product(k, m, x, 0, 1, {.activation = activation});
        double max_error = 0;
        for (int i = 0; i < out; ++i)
            max_error = std::max(max_error, std::fabs(outputs[i] - reference(activation, w[i])) /
                                                (1 + std::fabs(w[i])));
        expect(max_error < 5e-7,
               std::string(k.level) + " activation off by " + std::to_string(max_error));
    }
}

// activation(x W' + bias) * factor + residual
void test_epilogue(const Kernels& k, Format format) {
    constexpr int rows = 7, in = 40, out = 53;
    const auto w = noise(out * in, 0.1f), b = noise(out), x = noise(rows * in);
    const std::size_t stride = row_stride(out);
    const auto factor = noise(rows * stride), residual = noise(rows * stride);
    Pages pages;
    const Matrix m = pack(w.data(), b.data(), out, in, format, panel_columns(k, format), pages);
    Epilogue epilogue{.activation = Activation::silu};
    const auto activated = product(k, m, x, 0, rows, epilogue);
    epilogue.factor = factor.data();
    epilogue.residual = residual.data();
    epilogue.factor_stride = epilogue.residual_stride = stride;
    const auto outputs = product(k, m, x, 0, rows, epilogue);
    for (int r = 0; r < rows; ++r)
        for (int o = 0; o < out; ++o) {
            const double expected =
                static_cast<double>(activated[r * out + o]) * factor[r * stride + o] +
                residual[r * stride + o];
            expect(std::fabs(outputs[r * out + o] - expected) < 2e-6,
                   std::string(k.level) + " " + name(format) + " factor and residual");
        }
}

}  // namespace poolwise
