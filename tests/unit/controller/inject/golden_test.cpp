// tests/golden/inject: NAME.in.yaml, a pod (and, in a second document, what differs from the usual configuration), and NAME.out.yaml,
// what becomes of it. The first line of an input says its point. STEELYARD_GOLDEN_UPDATE=1 writes the outputs anew: read the
// difference before you commit it.
#include <gtest/gtest.h>

#include "controller/inject/mutate.hpp"
#include "controller/inject/yaml_json.hpp"
#include "tests/unit/controller/inject/outcome.hpp"
#include "tests/unit/support/golden.hpp"
#include "tests/unit/support/yaml_text.hpp"

namespace steelyard::inject {
namespace {

const steelyard::testing_support::GoldenFolder kFolder("inject");

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

TEST_P(InjectGolden, ComesOutAsReviewed) { kFolder.check(GetParam(), outcome_of); }

INSTANTIATE_TEST_SUITE_P(Inject, InjectGolden, testing::ValuesIn(kFolder.cases()),
                         steelyard::testing_support::golden_name);

TEST(InjectGoldenFolder, HasAnInputForEachOutput) {
    EXPECT_GE(kFolder.cases().size(), 20U);
    kFolder.expect_an_input_for_each_output();
}

}  // namespace
}  // namespace steelyard::inject
