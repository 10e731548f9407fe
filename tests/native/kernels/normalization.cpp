// Layer norm and RMS norm by double arithmetic.
#include "tests.h"

namespace poolwise {

void test_layer_norm(const Kernels& k) {
    for (int width : {1, 7, 16, 33, 384, 770}) {
        const std::size_t stride = row_stride(width);
        Buffer<float> rows(3 * stride), gain(width + 64), bias(width + 64);
        const auto x = noise(3 * width, 3), g = noise(width), b = noise(width);
        std::copy(g.begin(), g.end(), gain.data());
        std::copy(b.begin(), b.end(), bias.data());
        for (int r = 0; r < 3; ++r)
            std::copy_n(x.data() + r * width, width, rows.data() + r * stride);
        k.layer_norm(rows.data(), rows.data(), stride, 3, width, gain.data(), bias.data(), 1e-5f);
        for (int r = 0; r < 3; ++r) {
            double mean = 0, variance = 0;
            for (int i = 0; i < width; ++i) mean += x[r * width + i] / width;
            for (int i = 0; i < width; ++i)
                variance += std::pow(x[r * width + i] - mean, 2) / width;
            for (int i = 0; i < width; ++i) {
                const double expected =
                    (x[r * width + i] - mean) / std::sqrt(variance + 1e-5) * g[i] + b[i];
                if (std::fabs(rows[r * stride + i] - expected) > 1e-4)
                    return expect(false,
                                  std::string(k.level) + " layer norm " + std::to_string(width));
            }
        }
    }
}

void test_rms_norm(const Kernels& k) {
    for (int width : {1, 7, 16, 33, 384, 770}) {
        const std::size_t stride = row_stride(width);
        Buffer<float> rows(2 * stride), out(2 * stride), gain(width + 64);
        const auto x = noise(2 * width, 3), g = noise(width);
        std::copy(g.begin(), g.end(), gain.data());
        for (int r = 0; r < 2; ++r)
            std::copy_n(x.data() + r * width, width, rows.data() + r * stride);
        k.rms_norm(rows.data(), out.data(), stride, 2, width, gain.data(), 1e-5f);
        for (int r = 0; r < 2; ++r) {
            double square = 0;
            for (int i = 0; i < width; ++i) square += std::pow(x[r * width + i], 2) / width;
            for (int i = 0; i < width; ++i)
                expect(std::fabs(out[r * stride + i] -
                                 x[r * width + i] / std::sqrt(square + 1e-5) * g[i]) < 1e-4,
                       std::string(k.level) + " RMS norm " + std::to_string(width));
        }
    }
}

}  // namespace poolwise
