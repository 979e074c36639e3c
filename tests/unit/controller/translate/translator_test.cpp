// That translation is incremental: what runs again, and what is told.
#include "tests/unit/controller/translate/translator_test.hpp"

#include <gmock/gmock.h>

namespace steelyard::translate {
namespace {

using store::ClusterState;
using store::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

struct TranslatorTest : testing::Test {
    ClusterState state;
    Translator translator;

    Update step() { return translator.update(state, state.take_changes()); }
    static std::vector<std::string> upserts(const Update& update) {
        std::vector<std::string> keys;
        for (const auto& resource : update.upsert) keys.push_back(text(config::key_of(resource)));
        return keys;
    }
    static std::vector<std::string> removals(const Update& update) {
        std::vector<std::string> keys;
        for (const auto& key : update.remove) keys.push_back(text(key));
        return keys;
    }
    void SetUp() override {
        state.upsert(service("web"));
        state.upsert(service("api"));
        state.upsert(slice("web-1", "web", {"a", "b"}));
        state.upsert(slice("web-2", "web", {"c"}));
        state.upsert(slice("api-1", "api", {"d"}));
        EXPECT_THAT(upserts(step()),
                    ElementsAre("upstream shop/api:http", "upstream shop/web:http", "endpoints shop/api:http api-1",
                                "endpoints shop/web:http web-1", "endpoints shop/web:http web-2"));
    }
};

TEST_F(TranslatorTest, APodsWeightRunsOnlyTheSlicesThatNameThePod) {
    state.upsert(pod("b", "5"));
    const Update update = step();
    EXPECT_EQ(update.computed, 1U);
    ASSERT_THAT(upserts(update), ElementsAre("endpoints shop/web:http web-1"));
    const auto& endpoints = std::get<config::EndpointSlice>(update.upsert[0]).endpoints;
    EXPECT_EQ(endpoints[0].weight, 1U);
    EXPECT_EQ(endpoints[1].weight, 5U);
}

TEST_F(TranslatorTest, ItsPriorityToo) {
    kube::Pod backup = pod("b", "5");
    state.upsert(kube::Pod(backup));
    step();
    backup.meta.annotations["steelyard.dev/priority"] = "2";
    state.upsert(std::move(backup));
    const Update update = step();
    ASSERT_THAT(upserts(update), ElementsAre("endpoints shop/web:http web-1"));
    EXPECT_EQ(std::get<config::EndpointSlice>(update.upsert[0]).endpoints[1].priority, 2U);
    state.upsert(pod("b", "5"));
    EXPECT_THAT(upserts(step()), ElementsAre("endpoints shop/web:http web-1")) << "and back";
}

TEST_F(TranslatorTest, APodThatNobodyNamesRunsNothing) {
    state.upsert(pod("stranger", "5"));
    EXPECT_EQ(step().computed, 0U);
}

TEST_F(TranslatorTest, ASlicesChangeRunsThatSlice) {
    state.upsert(slice("web-2", "web", {"c", "e"}));
    const Update update = step();
    EXPECT_EQ(update.computed, 1U);
    EXPECT_THAT(upserts(update), ElementsAre("endpoints shop/web:http web-2"));
}

TEST_F(TranslatorTest, AnAnnotationOfAServiceTellsItsUpstreamAndNoEndpoints) {
    kube::Service changed = service("web");
    changed.meta.annotations["steelyard.dev/algorithm"] = "random";
    state.upsert(std::move(changed));
    const Update update = step();
    EXPECT_EQ(update.computed, 3U) << "the slices look at the Service, but come out the same";
    EXPECT_THAT(upserts(update), ElementsAre("upstream shop/web:http"));
}

TEST_F(TranslatorTest, APolicyRunsTheServiceThatItNamesAndItself) {
    state.upsert(policy("p", {{"web", ""}}));
    Update update = step();
    EXPECT_EQ(update.computed, 2U);
    EXPECT_THAT(upserts(update), ElementsAre("upstream shop/web:http"));
    ASSERT_EQ(update.policies.size(), 1U);
    EXPECT_EQ(update.policies[0].accepted()->reason, kAccepted);

    state.upsert(policy("p", {{"api", ""}}));
    update = step();
    EXPECT_EQ(update.computed, 3U) << "both Services, and the policy";
    EXPECT_THAT(upserts(update), ElementsAre("upstream shop/api:http", "upstream shop/web:http"));
    EXPECT_THAT(update.policies, IsEmpty()) << "accepted still";

    state.remove(Kind::policy, {"shop", "p"});
    update = step();
    EXPECT_THAT(upserts(update), ElementsAre("upstream shop/api:http"));
    ASSERT_EQ(update.policies.size(), 1U);
    EXPECT_EQ(update.policies[0].accepted(), nullptr) << "gone";
    EXPECT_EQ(translator.policy({"shop", "p"}), nullptr);
}

TEST_F(TranslatorTest, APolicyIsJudgedAnewWhenItsTargetOrItsRivalComesAndGoes) {
    const auto reason = [&](const char* name) {
        step();
        return translator.policy({"shop", name})->accepted()->reason;
    };
    state.upsert(policy("b", {{"new", "http"}}));
    EXPECT_EQ(reason("b"), kTargetNotFound);
    EXPECT_EQ(translator.problem_count(), 1U);
    state.upsert(service("new", {"grpc"}));
    EXPECT_EQ(reason("b"), kTargetNotFound);
    state.upsert(service("new"));
    EXPECT_EQ(reason("b"), kAccepted);
    state.upsert(policy("a", {{"new", "80"}}));
    EXPECT_EQ(reason("b"), kConflicted);
    EXPECT_EQ(reason("a"), kAccepted);
    auto broken = policy("a", {{"new", "80"}});
    broken.problems.push_back({"spec.algorithm", "is wrong"});
    state.upsert(std::move(broken));
    EXPECT_EQ(reason("b"), kAccepted);
    EXPECT_EQ(reason("a"), kInvalid);
    EXPECT_EQ(translator.problem_count(), 1U);
}

TEST_F(TranslatorTest, OfAThousandPoliciesOnlyTheOneThatChangedRuns) {
    for (int i = 0; i < 1000; ++i) {
        const std::string name = "s" + std::to_string(i);
        state.upsert(service(name));
        state.upsert(policy(name, {{name, ""}}));
    }
    step();
    state.upsert(policy("s7", {{"s7", ""}}, config::Algorithm::maglev));
    const Update update = step();
    EXPECT_EQ(update.computed, 2U);
    EXPECT_THAT(upserts(update), ElementsAre("upstream shop/s7:http"));
}

TEST_F(TranslatorTest, ToWhomAServiceIsExportedIsKnownInOrderAndEachOnce) {
    kube::Service changed = service("web");
    changed.meta.annotations["steelyard.dev/export-to"] = "frontend, billing,frontend";
    state.upsert(kube::Service(changed));
    const Update exported = step();
    ASSERT_THAT(upserts(exported), ElementsAre("upstream shop/web:http"));
    EXPECT_THAT(std::get<config::Upstream>(exported.upsert[0]).export_to, ElementsAre("billing", "frontend"));
    changed.meta.annotations["steelyard.dev/export-to"] = "*";
    state.upsert(std::move(changed));
    const Update to_all = step();
    ASSERT_THAT(upserts(to_all), ElementsAre("upstream shop/web:http"));
    EXPECT_THAT(std::get<config::Upstream>(to_all.upsert[0]).export_to, ElementsAre("*"));
}

TEST_F(TranslatorTest, AnAddressThatAServiceGetsIsToldWithItsUpstream) {
    kube::Service changed = service("web");
    changed.cluster_ips = {"10.96.0.7"};
    state.upsert(std::move(changed));
    const Update update = step();
    ASSERT_THAT(upserts(update), ElementsAre("upstream shop/web:http"));
    EXPECT_EQ(std::get<config::Upstream>(update.upsert[0]).port, 80);
}

TEST_F(TranslatorTest, APortThatIsRenamedMovesEverythingUnderTheNewName) {
    state.upsert(service("api", {"grpc"}));
    state.upsert(slice("api-1", "api", {"d"}, {"grpc"}));
    const Update update = step();
    EXPECT_THAT(upserts(update), ElementsAre("upstream shop/api:grpc", "endpoints shop/api:grpc api-1"));
    EXPECT_THAT(removals(update), ElementsAre("endpoints shop/api:http api-1", "upstream shop/api:http"));
}

TEST_F(TranslatorTest, ASecondPortAddsAndTakesAwayNothingElse) {
    state.upsert(service("api", {"http", "metrics"}));
    state.upsert(slice("api-1", "api", {"d"}, {"http", "metrics"}));
    EXPECT_THAT(upserts(step()), ElementsAre("upstream shop/api:metrics", "endpoints shop/api:metrics api-1"));
}

TEST_F(TranslatorTest, AServiceThatGoesTakesItsEndpointsAlongAndComesBackWithThem) {
    state.remove(Kind::service, {"shop", "web"});
    EXPECT_THAT(removals(step()), ElementsAre("endpoints shop/web:http web-1", "endpoints shop/web:http web-2",
                                              "upstream shop/web:http"));
    state.upsert(service("web"));
    EXPECT_THAT(upserts(step()), ElementsAre("upstream shop/web:http", "endpoints shop/web:http web-1",
                                             "endpoints shop/web:http web-2"));
}

TEST_F(TranslatorTest, ASliceThatChangesItsServiceMoves) {
    state.upsert(slice("web-2", "api", {"c"}));
    const Update update = step();
    EXPECT_THAT(upserts(update), ElementsAre("endpoints shop/api:http web-2"));
    EXPECT_THAT(removals(update), ElementsAre("endpoints shop/web:http web-2"));
}

TEST_F(TranslatorTest, AChangeThatEndsWhereItBeganTellsNothing) {
    state.remove(Kind::endpoint_slice, {"shop", "api-1"});
    state.upsert(slice("api-1", "api", {"d"}));
    EXPECT_TRUE(step().empty());
}

TEST_F(TranslatorTest, ProblemsAreToldWhenTheyComeAndWhenTheyGo) {
    state.upsert(pod("d", "-1"));
    Update update = step();
    ASSERT_EQ(update.services.size(), 1U);
    EXPECT_EQ(update.services[0].service.to_string(), "shop/api");
    ASSERT_EQ(update.services[0].problems.size(), 1U);
    EXPECT_EQ(update.services[0].problems[0].message,
              "EndpointSlice shop/api-1: Pod shop/d: annotation steelyard.dev/weight: '-1' is not a whole number from "
              "0 to 1000000; "
              "weight 1 is in force");
    EXPECT_TRUE(update.upsert.empty()) << "1 was in force before";
    EXPECT_EQ(translator.problem_count(), 1U);

    state.upsert(slice("api-1", "api", {"d", "e"}));
    EXPECT_THAT(step().services, IsEmpty()) << "the same problem is not told again";
    state.upsert(pod("d", "7"));
    update = step();
    ASSERT_EQ(update.services.size(), 1U);
    EXPECT_THAT(update.services[0].problems, IsEmpty());
    EXPECT_EQ(translator.problem_count(), 0U);
}

TEST_F(TranslatorTest, AWholeSlicesBadWeightsAreListedToABound) {
    std::vector<std::string> pods;
    for (int i = 0; i < 200; ++i) {
        pods.push_back("p" + std::to_string(i));
        state.upsert(pod(pods.back(), "heavy"));
    }
    state.upsert(slice("api-1", "api", pods));
    const Update update = step();
    ASSERT_EQ(update.services.size(), 1U);
    EXPECT_EQ(update.services[0].problems.size(), 17U);
    EXPECT_EQ(update.services[0].problems.back().message, "EndpointSlice shop/api-1: 184 more problems");
}

TEST(TranslatorLimits, AnUpstreamsEndpointsBeyondTheLimitAreCutInTheOrderOfSlices) {
    ClusterState state(5);
    Translator translator;
    Mirror mirror;
    const auto step = [&] { mirror.apply(translator.update(state, state.take_changes())); };
    const auto count = [&](const char* name) {
        return std::get<config::EndpointSlice>(mirror.resources.at({"endpoints", "shop/web:http", name}))
            .endpoints.size();
    };
    state.upsert(service("web"));
    state.upsert(slice("s1", "web", {"a", "b"}));
    state.upsert(slice("s2", "web", {"c", "d"}));
    step();
    EXPECT_TRUE(mirror.problems.empty());
    state.upsert(slice("s0", "web", {"e", "f", "g"}));
    step();
    EXPECT_EQ(count("s0"), 3U);
    EXPECT_EQ(count("s1"), 2U);
    EXPECT_EQ(count("s2"), 0U);
    ASSERT_EQ(mirror.problems["shop/web"].size(), 1U);
    EXPECT_EQ(mirror.problems["shop/web"][0].reason, "TooManyEndpoints");
    state.remove(Kind::endpoint_slice, {"shop", "s1"});
    step();
    EXPECT_EQ(count("s2"), 2U);
    EXPECT_TRUE(mirror.problems.empty());
}

TEST(TranslatorLimits, ASliceOfAHundredThousandEndpointsIsCutToWhatASliceMayHave) {
    ClusterState state;
    Translator translator;
    state.upsert(service("web"));
    kube::EndpointSlice huge = slice("s", "web", {"a"});
    huge.endpoints.resize(100'000, huge.endpoints[0]);
    state.upsert(std::move(huge));
    const Update update = translator.update(state, state.take_changes());
    EXPECT_EQ(std::get<config::EndpointSlice>(update.upsert.at(1)).endpoints.size(), config::kMaxEndpointsPerSlice);
    EXPECT_EQ(update.services.at(0).problems.at(0).reason, "TooManyEndpoints");
}

}  // namespace
}  // namespace steelyard::translate
