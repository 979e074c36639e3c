#include "sidecar/http/scan.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <string>

#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

TEST(Scan, BlockSearchAgreesWithTheTableAtEveryOffsetAndLength) {
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        std::string text(random() % 70, 'a');
        for (char& c : text) {
            c = random() % 24 == 0 ? static_cast<char>(random() % 256) : static_cast<char>('A' + random() % 57);
        }
        const auto copy = exact_copy(text);
        const char* const floor = copy.get();
        const char* const end = floor + text.size();
        for (const char* p = floor; p <= end; ++p) {
            EXPECT_EQ(scan::skip_token(floor, p, end), scan::skip_by_table(p, end, scan::kToken));
            EXPECT_EQ(scan::skip_value(floor, p, end), scan::skip_by_table(p, end, scan::kValue));
            EXPECT_EQ(scan::skip_target(floor, p, end), scan::skip_by_table(p, end, scan::kTarget));
        }
    }
}

TEST(Scan, FoldedComparisonIsExactForTokensOfEveryLength) {
    const std::string wanted = "abcdefghijklmnop-qrstuvwxyz";
    for (size_t size = 0; size <= wanted.size(); ++size) {
        std::string text = wanted.substr(0, size);
        EXPECT_TRUE(scan::equals_folded(text, wanted.substr(0, size)));
        for (size_t i = 0; i < size; ++i) {
            std::string other = text;
            other[i] = static_cast<char>(std::toupper(other[i]));
            EXPECT_TRUE(scan::equals_folded(other, wanted.substr(0, size)));
            other[i] = '9';
            EXPECT_FALSE(scan::equals_folded(other, wanted.substr(0, size)));
        }
        EXPECT_FALSE(scan::equals_folded(text + "x", wanted.substr(0, size)));
    }
}

TEST(Scan, ListElementsAreTrimmedAndEmptyOnesCount) {
    std::string_view list = "a, \tb\t,,c ,";
    std::string elements;
    while (!list.empty()) elements += "[" + std::string(scan::next_element(list)) + "]";
    EXPECT_EQ(elements, "[a][b][][c]");
}

}  // namespace
}  // namespace steelyard::http
