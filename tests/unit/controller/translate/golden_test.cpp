// tests/golden/translate: NAME.in.yaml, Kubernetes objects, and NAME.out.yaml, the resources and problems that they become. The first
// line of an input says its point. STEELYARD_GOLDEN_UPDATE=1 writes the outputs anew: read the difference before you commit it.
#include <gtest/gtest.h>

#include "common/config/codec.hpp"
#include "common/config/validate.hpp"
#include "controller/manifests/decode.hpp"
#include "controller/translate/translator.hpp"
#include "tests/unit/support/golden.hpp"
#include "tests/unit/support/yaml_text.hpp"

namespace steelyard::translate {
namespace {

using testing_support::Json;

const testing_support::GoldenFolder kFolder("translate");

std::string translated(const std::string& input) {
    const Options options{.allow_loopback = input.find("\n# allow loopback\n") != std::string::npos,
                          .edge_transparent = input.find("\n# edge transparent\n") != std::string::npos,
                          .leases = input.find("\n# no leases\n") == std::string::npos};
    store::ClusterState state;
    state.begin_list(store::Kind::node);
    auto decoded = manifests::decode_manifest(input, {.as_api_server = false, .yaml = {}, .budget = {}});
    if (!decoded) return "not YAML: " + decoded.error().to_string();
    Json result;
    for (const auto& fault : decoded->faults)
        result["faults"].push_back(fault.place.to_string() + ": " + fault.error.to_string());
    for (auto& placed : decoded->objects)
        std::visit([&](auto& object) { state.upsert(std::move(object)); }, placed.object);
    state.end_list(store::Kind::node);
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
    for (const PolicyStatus& status : update.policies) {
        Json& policy = result["policies"].emplace_back();
        policy["policy"] = status.policy.to_string();
        for (const kube::Condition& condition : status.conditions) {
            policy[condition.type] = {{"status", condition.status},
                                      {"generation", condition.observed_generation},
                                      {"reason", condition.reason},
                                      {"message", condition.message}};
        }
    }
    EXPECT_TRUE(update.remove.empty());
    std::string out;
    testing_support::append_yaml(out, result, 0);
    return out;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, ComesOutAsReviewed) { kFolder.check(GetParam(), translated); }

INSTANTIATE_TEST_SUITE_P(Translate, Golden, testing::ValuesIn(kFolder.cases()), testing_support::golden_name);

TEST(GoldenFolder, HasAnInputForEachOutput) {
    EXPECT_GE(kFolder.cases().size(), 25U);
    kFolder.expect_an_input_for_each_output();
}

}  // namespace
}  // namespace steelyard::translate
