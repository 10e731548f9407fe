// Rotary positions by double arithmetic.
#include "tests.h"

namespace poolwise {

// Two of three heads of each row, alone and among others; the third stays as it is.
void test_rotation(const Kernels& k) {
    const int positions[] = {5, 0, 7};
    for (int width : {2, 6, 16, 26, 64, 130}) {
        const std::size_t stride = 3 * width;
        const auto x = noise(3 * stride), table = noise(8 * width);
        std::vector<float> all = x, alone = x;
        k.rotate(all.data(), stride, 3, positions, table.data(), 2, width);
        for (int r = 0; r < 3; ++r)
            k.rotate(alone.data() + r * stride, stride, 1, positions + r, table.data(), 2, width);
        const std::string label = std::string(k.level) + " rotation of " + std::to_string(width);
        expect(all == alone, label + " alone");
        const int half = width / 2;
        for (int r = 0; r < 3; ++r)
            for (int c = 0; c < 3 * width; ++c) {
                const std::size_t at = r * stride + c;
                const bool first = c % width < half;
                const double partner = x[first ? at + half : at - half];
                const double cosine = table[positions[r] * width + c % width % half];
                const double sine = table[positions[r] * width + half + c % width % half];
                const double rotated = x[at] * cosine + partner * (first ? -sine : sine);
                expect(std::fabs(all[at] - (c < 2 * width ? rotated : x[at])) < 3e-6, label);
            }
    }
}

}  // namespace poolwise
