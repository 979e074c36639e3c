// tests/golden/inject: NAME.in.yaml, a pod (and, in a second document, what differs from the usual configuration), and NAME.out.yaml,
// what becomes of it. The first line of an input says its point. STEELYARD_GOLDEN_UPDATE=1 writes the outputs anew: read the
// difference before you commit it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/inject/mutate.hpp"
#include "controller/inject/yaml_json.hpp"
#include "tests/unit/controller/inject/outcome.hpp"
#include "tests/unit/controller/translate/yaml_text.hpp"

namespace steelyard::inject {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(STEELYARD_SOURCE_DIR) / "tests/golden/inject";

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

struct Setting {
    InjectConfig config;
    Namespace ns{"shop", std::nullopt};
    std::vector<std::string> discovered;
    std::string ca = "CA PEM";
};

// The second document: {config: {...}, namespace: {name, labels}, discovered: [CIDR], ca: PEM}.
Setting setting_of(const Json& more) {
    Setting setting;
    Json config = Json::parse(testing_support::kUsualConfig);
    if (const Json* changes = member(more, "config")) config.merge_patch(*changes);
    auto parsed = parse_inject_config(config.dump());
    EXPECT_TRUE(parsed) << parsed.error().to_string();
    if (parsed) setting.config = *parsed;
    if (const Json* ns = member(more, "namespace")) {
        setting.ns.name = text_of(*ns, "name");
        if (const Json* labels = member(*ns, "labels"))
            setting.ns.labels = labels->get<std::map<std::string, std::string>>();
    }
    for (const Json& cidr : list_of(more, "discovered")) setting.discovered.push_back(cidr);
    if (const Json* ca = member(more, "ca")) setting.ca = *ca;
    return setting;
}

std::string outcome_of(const std::string& input) {
    auto documents = read_yaml(input);
    if (!documents) return "not YAML: " + documents.error().to_string();
    const Json& pod = documents->at(0);
    const Setting setting = setting_of(documents->size() > 1 ? documents->at(1) : Json::object());
    const Outcome outcome = mutate(pod, setting.ns, setting.config, setting.discovered, setting.ca);
    Json result = Json::object();
    for (const auto& warning : outcome.warnings) result["warnings"].push_back(warning);
    if (outcome.decision == Decision::refuse) {
        result["refused"] = {{"reason", outcome.reason}, {"message", outcome.message}};
    } else if (outcome.decision == Decision::skip) {
        result["skipped"] = {{"reason", outcome.reason}, {"message", outcome.message}};
    } else {
        const Json injected = testing_support::applied(pod, outcome.patch);
        testing_support::expect_valid(pod, injected);
        const Outcome again = mutate(injected, setting.ns, setting.config, setting.discovered, setting.ca);
        EXPECT_EQ(again.reason, "AlreadyInjected") << "a second mutation changes something";
        result["pod"] = injected;
    }
    std::string out;
    steelyard::testing_support::append_yaml(out, result, 0);
    return out;
}

class InjectGolden : public testing::TestWithParam<std::string> {};

TEST_P(InjectGolden, ComesOutAsReviewed) {
    const std::string input = read(kFolder / (GetParam() + ".in.yaml"));
    const fs::path output = kFolder / (GetParam() + ".out.yaml");
    ASSERT_TRUE(input.starts_with("# ")) << "the first line says the point";
    const std::string got = outcome_of(input);
    if (std::getenv("STEELYARD_GOLDEN_UPDATE") != nullptr) std::ofstream(output) << got;
    EXPECT_EQ(got, read(output));
}

std::string test_name(const testing::TestParamInfo<std::string>& golden) {
    std::string name = golden.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Inject, InjectGolden, testing::ValuesIn(cases()), test_name);

TEST(InjectGoldenFolder, HasAnInputForEachOutput) {
    EXPECT_GE(cases().size(), 20U);
    for (const auto& entry : fs::directory_iterator(kFolder)) {
        const std::string name = entry.path().filename();
        if (!name.ends_with(".out.yaml")) continue;
        EXPECT_TRUE(fs::exists(kFolder / (name.substr(0, name.size() - 9) + ".in.yaml"))) << name;
    }
}

}  // namespace
}  // namespace steelyard::inject
