// tests/golden/translate: NAME.in.yaml, Kubernetes objects, and NAME.out.yaml, the resources and problems that they become. The first
// line of an input says its point. STEELYARD_GOLDEN_UPDATE=1 writes the outputs anew: read the difference before you commit it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/config/codec.hpp"
#include "common/config/validate.hpp"
#include "controller/manifests/decode.hpp"
#include "controller/translate/translator.hpp"
#include "tests/unit/controller/translate/yaml_text.hpp"

namespace steelyard::translate {
namespace {

namespace fs = std::filesystem;
using testing_support::Json;

const fs::path kFolder = fs::path(STEELYARD_SOURCE_DIR) / "tests/golden/translate";

std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::vector<std::string> cases() {
    std::vector<std::string> names;
    constexpr std::string_view kSuffix = ".in.yaml";
    for (const auto& entry : fs::directory_iterator(kFolder)) {
        const std::string name = entry.path().filename();
        if (name.ends_with(kSuffix)) names.push_back(name.substr(0, name.size() - kSuffix.size()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string translated(const std::string& input) {
    const Options options{.allow_loopback = input.find("\n# allow loopback\n") != std::string::npos};
    store::ClusterState state;
    auto decoded = manifests::decode_manifest(input, {.as_api_server = false, .yaml = {}, .budget = {}});
    if (!decoded) return "not YAML: " + decoded.error().to_string();
    Json result;
    for (const auto& fault : decoded->faults)
        result["faults"].push_back(fault.place.to_string() + ": " + fault.error.to_string());
    for (auto& placed : decoded->objects)
        std::visit([&](auto& object) { state.upsert(std::move(object)); }, placed.object);
    Translator translator(options);
    const Update update = translator.update(state, state.take_changes());
    result["resources"] = Json::array();
    for (const config::Resource& resource : update.upsert) {
        config::Problems invalid;
        config::validate(resource, {}, invalid);
        EXPECT_TRUE(invalid.empty()) << "a resource that a proxy would refuse: " << invalid.first().to_string();
        std::string json;
        config::append_json(json, resource);
        result["resources"].push_back(Json::parse(json));
    }
    for (const ServiceProblems& service : update.services) {
        for (const Problem& problem : service.problems) {
            result["problems"].push_back(
                {{"service", service.service.to_string()}, {"reason", problem.reason}, {"message", problem.message}});
        }
    }
    EXPECT_TRUE(update.remove.empty());
    std::string out;
    testing_support::append_yaml(out, result, 0);
    return out;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, ComesOutAsReviewed) {
    const std::string input = read(kFolder / (GetParam() + ".in.yaml"));
    const fs::path output = kFolder / (GetParam() + ".out.yaml");
    ASSERT_TRUE(input.starts_with("# ")) << "the first line says the point";
    const std::string got = translated(input);
    if (std::getenv("STEELYARD_GOLDEN_UPDATE") != nullptr) std::ofstream(output) << got;
    EXPECT_EQ(got, read(output));
}

std::string test_name(const testing::TestParamInfo<std::string>& golden) {
    std::string name = golden.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Translate, Golden, testing::ValuesIn(cases()), test_name);

TEST(GoldenFolder, HasAnInputForEachOutput) {
    EXPECT_GE(cases().size(), 25U);
    for (const auto& entry : fs::directory_iterator(kFolder)) {
        const std::string name = entry.path().filename();
        if (!name.ends_with(".out.yaml")) continue;
        EXPECT_TRUE(fs::exists(kFolder / (name.substr(0, name.size() - 9) + ".in.yaml"))) << name;
    }
}

}  // namespace
}  // namespace steelyard::translate
