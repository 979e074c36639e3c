#pragma once
// Golden tests: a folder below tests/golden with NAME.in.yaml, whose first line says its point, and NAME.out.yaml, what is to become of it.
// STEELYARD_GOLDEN_UPDATE=1 writes the outputs anew: read the difference before you commit it. Needs STEELYARD_SOURCE_DIR.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace steelyard::testing_support {

class GoldenFolder {
public:
    explicit GoldenFolder(const std::string& name)
        : folder_(std::filesystem::path(STEELYARD_SOURCE_DIR) / "tests/golden" / name) {}

    // The names of the inputs.
    std::vector<std::string> cases() const { return names(".in.yaml"); }

    // `outcome_of` gives the output of an input.
    template <class F>
    void check(const std::string& name, F outcome_of) const {
        const std::string input = read(folder_ / (name + ".in.yaml"));
        const std::filesystem::path output = folder_ / (name + ".out.yaml");
        ASSERT_TRUE(input.starts_with("# ")) << "the first line says the point";
        const std::string got = outcome_of(input);
        if (std::getenv("STEELYARD_GOLDEN_UPDATE") != nullptr) std::ofstream(output) << got;
        EXPECT_EQ(got, read(output));
    }

    void expect_an_input_for_each_output() const { EXPECT_EQ(names(".out.yaml"), cases()); }

private:
    static std::string read(const std::filesystem::path& path) {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }
    std::vector<std::string> names(std::string_view suffix) const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            const std::string name = entry.path().filename();
            if (name.ends_with(suffix)) found.push_back(name.substr(0, name.size() - suffix.size()));
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    std::filesystem::path folder_;
};

// A test's name for a golden pair: GoogleTest takes letters, digits and underscores only.
inline std::string golden_name(const testing::TestParamInfo<std::string>& golden) {
    std::string name = golden.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    return name;
}

}  // namespace steelyard::testing_support
