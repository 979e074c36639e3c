// What golden pairs do not show: shapes that no API server sends, and properties over many pods.
#include "controller/inject/mutate.hpp"

#include <gtest/gtest.h>

#include "controller/inject/annotations.hpp"
#include "tests/unit/controller/inject/outcome.hpp"

namespace steelyard::inject {
namespace {

using testing_support::applied;
using testing_support::expect_valid;

InjectConfig usual() { return *parse_inject_config(testing_support::kUsualConfig); }

Json pod_with(const char* spec_members, const char* annotations = "") {
    return Json::parse(std::string(R"({"metadata": {"name": "web")") + annotations +
                       R"(}, "spec": {"containers": [{"name": "app", "image": "a"}])" + spec_members + "}}");
}

Outcome outcome_of(const Json& pod, const InjectConfig& config = usual()) {
    return mutate(pod, {"shop", std::nullopt}, config, {}, "CA");
}

TEST(Mutate, InjectsEveryShapeOfPodOnceAndKeepsItValid) {
    const char* specs[] = {"",
                           R"(, "initContainers": [])",
                           R"(, "initContainers": null, "volumes": null)",
                           R"(, "initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}])",
                           R"(, "volumes": [])",
                           R"(, "volumes": [{"name": "v", "emptyDir": {}}])",
                           R"(, "terminationGracePeriodSeconds": 0)",
                           R"(, "securityContext": {})"};
    const char* annotations[] = {"", R"(, "annotations": null)", R"(, "annotations": {})",
                                 R"(, "annotations": {"a": "b"})",
                                 R"(, "annotations": {"steelyard.dev/upstreams": "8080=web:80"})"};
    for (const char* spec : specs) {
        for (const char* annotation : annotations) {
            const Json pod = pod_with(spec, annotation);
            const Outcome first = outcome_of(pod);
            ASSERT_EQ(first.decision, Decision::inject) << pod.dump();
            const Json injected = applied(pod, first.patch);
            expect_valid(pod, injected);
            const Outcome second = outcome_of(injected);
            EXPECT_EQ(second.decision, Decision::skip) << pod.dump();
            EXPECT_EQ(second.reason, "AlreadyInjected");
            EXPECT_EQ(outcome_of(pod).patch, first.patch) << "the same pod becomes the same";
        }
    }
}

TEST(Mutate, NeverThrowsOnShapesThatNoApiServerSends) {
    const char* pods[] = {
        "{}",
        "[]",
        "1",
        "\"pod\"",
        "null",
        R"({"metadata": [], "spec": []})",
        R"({"metadata": {}, "spec": {"containers": [1, null, "x", {"name": 1}]}})",
        R"({"metadata": {"annotations": [], "labels": 1}, "spec": {"containers": [{}]}})",
        R"({"metadata": {"annotations": {"steelyard.dev/upstreams": 1}}, "spec": {"containers": [{}]}})",
        R"({"metadata": {}, "spec": {"containers": [{"ports": [1, {"containerPort": 1e99}]}], "os": 1}})",
        R"({"metadata": {}, "spec": {"containers": [{"ports": {}, "securityContext": 1}], "volumes": 1}})"};
    for (const char* text : pods) {
        const Outcome outcome = outcome_of(Json::parse(text));
        EXPECT_FALSE(outcome.reason.empty()) << text;
    }
}

TEST(Mutate, DrainsNoLongerThanThePodMayTakeToEnd) {
    const auto drain = [](const Json& pod) {
        const Json injected = applied(pod, outcome_of(pod).patch);
        for (const Json& argument : injected.at("spec").at("initContainers").at(1).at("args")) {
            const auto text = argument.get<std::string>();
            if (text.starts_with("--drain-timeout=")) return text.substr(16);
        }
        return std::string("none");
    };
    EXPECT_EQ(drain(pod_with("")), "30s");
    EXPECT_EQ(drain(pod_with(R"(, "terminationGracePeriodSeconds": 5)")), "5s");
    EXPECT_EQ(drain(pod_with(R"(, "terminationGracePeriodSeconds": 600)")), "30s");
    EXPECT_EQ(drain(pod_with(R"(, "terminationGracePeriodSeconds": -1)")), "0s");
}

TEST(Mutate, TellsTemplatesApartAndPodsOfOneTemplateNot) {
    const auto status = [](const Json& pod, const InjectConfig& config) { return outcome_of(pod, config).message; };
    const InjectConfig config = usual();
    InjectConfig newer = config;
    newer.image = "steelyard/sidecar:2";
    const Json pod = pod_with("");
    EXPECT_EQ(status(pod, config), status(pod_with(R"(, "terminationGracePeriodSeconds": 5)"), config));
    EXPECT_NE(status(pod, config), status(pod, newer));
    EXPECT_NE(mutate(pod, {"shop", std::nullopt}, config, {}, "CA").message,
              mutate(pod, {"shop", std::nullopt}, config, {}, "another CA").message);
}

TEST(Mutate, APodsOwnRefusalIsNotTemporaryAndTheControllersIs) {
    EXPECT_FALSE(outcome_of(pod_with("", R"(, "annotations": {"steelyard.dev/upstreams": "x"})")).temporary);
    EXPECT_TRUE(mutate(pod_with(""), {"shop", std::nullopt}, usual(), {}, "").temporary);
}

}  // namespace
}  // namespace steelyard::inject
