// The reconciler against a cluster state that lags behind an API server of this file's own.
#include "controller/loadbalancer/reconciler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "controller/kube/decode.hpp"
#include "tests/unit/controller/loadbalancer/api.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;
using store::Kind;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

kube::Service decoded(const json& object) {
    kube::Service out;
    const json list = {{"metadata", {{"resourceVersion", "1"}}}, {"items", json::array({object})}};
    EXPECT_TRUE(kube::decode_list<kube::Service>(list.dump(), [&](kube::Service&& one) { out = std::move(one); }));
    return out;
}

struct ReconcilerTest : testing::Test {
    store::ClusterState state;
    Reconciler reconciler{false};
    std::map<std::string, json> api;  // Services by name
    std::vector<std::string> told;    // events: "web IPAllocated: ..."
    std::map<std::string, kube::PoolCounts> counts;
    std::map<std::string, std::string> reasons;  // of Accepted, by pool

    ReconcilerTest() {
        for (const Kind kind : {Kind::service, Kind::address_pool, Kind::advertisement}) {
            state.begin_list(kind);
            state.end_list(kind);
        }
    }

    void add_pool(const std::string& name, const std::string& range) {
        state.upsert(kube::decode_pool(
            {{"metadata",
              {{"name", name},
               {"creationTimestamp", "2026-01-01T00:00:0" + std::to_string(state.counts().pools) + "Z"}}},
             {"spec", {{"addresses", {range}}}}},
            policy::Unknown::refuse));
    }
    void add(const std::string& name, const json& spec = json::object(), const json& annotations = json::object()) {
        json object = balanced_service(name);
        object["metadata"]["uid"] = "uid-" + name;
        object["metadata"]["annotations"] = annotations;
        object["spec"].merge_patch(spec);
        api[name] = object;
        show(name);
    }
    void show(const std::string& name) { state.upsert(decoded(api.at(name))); }
    void lead() {
        std::vector<kube::Service> all;
        for (const auto& [name, object] : api) all.push_back(decoded(object));
        reconciler.lead(std::move(all));
    }

    // One round: decides, writes everything, and (unless the watch lags) shows it.
    size_t round(bool shown = true) {
        const auto decisions = reconciler.update(state, state.take_changes());
        for (const auto& event : decisions.events)
            told.push_back(event.regarding.name + " " + event.reason + ": " + event.note);
        for (const auto& verdict : decisions.pools) {
            counts[verdict.pool->meta.name] = verdict.counts;
            reasons[verdict.pool->meta.name] = verdict.conditions.at(0).reason;
        }
        for (const auto& [key, wanted] : decisions.write) {
            json& object = api.at(key.name);
            while (const auto write = next_write(object.dump(), wanted))
                ASSERT_OR(apply(object, write->body, write->content));
            if (object["metadata"].contains("deletionTimestamp") && object["metadata"]["finalizers"].empty()) {
                api.erase(key.name);
                if (shown) state.remove(Kind::service, {"shop", key.name});
            } else if (shown) {
                show(key.name);
            }
        }
        return decisions.write.size();
    }
    static void ASSERT_OR(bool good) {
        if (!good) throw std::runtime_error("a patch in conflict");
    }
    void settle() {
        for (int i = 0; i < 10; ++i) {
            if (round() == 0 && !state.has_changes()) return;
        }
        ADD_FAILURE() << "there is no end";
    }
    std::vector<std::string> addresses(const std::string& name) {
        std::vector<std::string> out;
        for (const auto& entry : api.at(name)["status"]["loadBalancer"].value("ingress", json::array()))
            out.push_back(entry["ip"]);
        return out;
    }
};

TEST_F(ReconcilerTest, GivesAddressesOnlyWhileItLeads) {
    add_pool("front", "192.0.2.0/30");
    add("web");
    EXPECT_EQ(round(), 0U);
    lead();
    settle();
    EXPECT_THAT(addresses("web"), ElementsAre("192.0.2.0"));
    EXPECT_EQ(counts["front"], (kube::PoolCounts{4, 1, 3}));
    EXPECT_THAT(told, ElementsAre(HasSubstr("web IPAllocated: 192.0.2.0, with the virtual router ID ")));
    reconciler.follow();
    add("api");
    EXPECT_EQ(round(), 0U);
}

TEST_F(ReconcilerTest, NothingIsGivenBeforePoolsAreListed) {
    store::ClusterState fresh;
    fresh.begin_list(Kind::service);
    fresh.upsert(decoded(balanced_service()));
    fresh.end_list(Kind::service);
    reconciler.lead({});
    EXPECT_THAT(reconciler.update(fresh, fresh.take_changes()).write, IsEmpty());
}

TEST_F(ReconcilerTest, ANewLeaderKeepsWhatEverybodyHasAndTellsNobody) {
    add_pool("front", "192.0.2.0/30");
    for (const char* name : {"a", "b", "c"}) add(name);
    lead();
    settle();
    const auto before = std::vector{addresses("a"), addresses("b"), addresses("c")};
    told.clear();
    lead();
    state.take_changes();
    EXPECT_EQ(round(), 0U);
    EXPECT_EQ((std::vector{addresses("a"), addresses("b"), addresses("c")}), before);
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(ReconcilerTest, ANewLeaderWhoseWatchLagsGivesNothingTwice) {
    add_pool("front", "192.0.2.0/31");
    add("old");
    lead();
    round(false);  // written, and the watch has not brought it yet
    ASSERT_THAT(addresses("old"), ElementsAre("192.0.2.0"));
    Reconciler other(false);
    add("new");
    api["unseen"] = api["old"];
    std::vector<kube::Service> survey{decoded(api["old"]), decoded(api["new"])};
    reconciler.lead(std::move(survey));
    state.take_changes();
    round();
    EXPECT_THAT(addresses("new"), ElementsAre("192.0.2.1"));
    EXPECT_THAT(addresses("old"), ElementsAre("192.0.2.0"));
}

TEST_F(ReconcilerTest, WhatOnlyTheSurveyKnowsKeepsItsAddress) {
    add_pool("front", "192.0.2.0/31");
    json unseen = balanced_service("unseen");
    unseen["metadata"]["finalizers"] = {"steelyard.dev/vip"};
    unseen["status"]["loadBalancer"]["ingress"] = json::parse(R"([{"ip": "192.0.2.0", "ipMode": "Proxy"}])");
    add("web");
    reconciler.lead({decoded(unseen)});
    settle();
    EXPECT_THAT(addresses("web"), ElementsAre("192.0.2.1"));
}

TEST_F(ReconcilerTest, WhatTheNextSurveyDoesNotKnowGivesItsAddressToTheNext) {
    add_pool("front", "192.0.2.0/32");
    json forced = balanced_service("forced");
    forced["metadata"]["finalizers"] = {"steelyard.dev/vip"};
    forced["status"]["loadBalancer"]["ingress"] = json::parse(R"([{"ip": "192.0.2.0", "ipMode": "Proxy"}])");
    add("web");
    reconciler.lead({decoded(forced), decoded(api["web"])});
    settle();
    EXPECT_THAT(addresses("web"), IsEmpty());
    ASSERT_TRUE(reconciler.unsure());

    reconciler.surveyed_again({decoded(api["web"]), decoded(forced)});
    settle();
    EXPECT_TRUE(reconciler.unsure()) << "it is there, the watch is late";
    EXPECT_THAT(addresses("web"), IsEmpty());

    json another = forced;  // of the same name
    another["metadata"]["uid"] = "other";
    reconciler.surveyed_again({decoded(api["web"]), decoded(another)});
    EXPECT_FALSE(reconciler.unsure());
    settle();
    EXPECT_THAT(addresses("web"), ElementsAre("192.0.2.0"));
}

TEST_F(ReconcilerTest, WhatTheWatchShowedIsItsToTellOf) {
    add_pool("front", "192.0.2.0/32");
    add("first");
    lead();
    state.remove(Kind::service, {"shop", "first"});
    settle();
    EXPECT_TRUE(reconciler.unsure());
    show("first");
    settle();
    EXPECT_FALSE(reconciler.unsure());
    reconciler.surveyed_again({});
    settle();
    EXPECT_THAT(addresses("first"), ElementsAre("192.0.2.0"));
}

TEST_F(ReconcilerTest, AnAddressIsGivenToTheNextOnceNothingOfOursIsLeft) {
    add_pool("front", "192.0.2.7/32");
    add("first");
    lead();
    settle();
    add("second");
    settle();
    EXPECT_THAT(addresses("second"), IsEmpty());
    EXPECT_THAT(told, Contains(HasSubstr("second AllocationFailed: ")));
    api["first"]["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z";
    show("first");
    round(false);
    EXPECT_THAT(addresses("second"), IsEmpty()) << "the finalizer is gone, but nobody has seen it";
    EXPECT_THAT(told,
                Contains(HasSubstr("first IPReleased: 192.0.2.7: given back, since the Service is being deleted")));
    EXPECT_FALSE(api.contains("first"));
    state.remove(Kind::service, {"shop", "first"});
    settle();
    EXPECT_THAT(addresses("second"), ElementsAre("192.0.2.7"));
}

TEST_F(ReconcilerTest, AChangeOfTypeGivesBack) {
    add_pool("front", "192.0.2.7/32");
    add("web");
    lead();
    settle();
    api["web"]["spec"]["type"] = "ClusterIP";
    show("web");
    settle();
    EXPECT_THAT(addresses("web"), IsEmpty());
    EXPECT_TRUE(api["web"]["metadata"]["finalizers"].empty());
    EXPECT_EQ(counts["front"].available, 1);
    api["web"]["spec"]["type"] = "LoadBalancer";
    show("web");
    settle();
    EXPECT_THAT(addresses("web"), ElementsAre("192.0.2.7"));
}

TEST_F(ReconcilerTest, OthersServicesAreNotTouched) {
    add_pool("front", "192.0.2.0/24");
    add("other", {{"loadBalancerClass", "example.com/lb"}});
    add("none", {{"loadBalancerClass", nullptr}});
    lead();
    settle();
    EXPECT_FALSE(api["other"]["metadata"].contains("finalizers") || api["none"]["metadata"].contains("finalizers"));
    Reconciler all(true);
    all.lead({});
    EXPECT_EQ(all.update(state, {}).write.size(), 1U) << "those without a class, if told so";
}

TEST_F(ReconcilerTest, AskedForSharedAndOutside) {
    add_pool("front", "192.0.2.0/28");
    add("asks", json::object(),
        {{"steelyard.dev/loadBalancerIPs", "192.0.2.9"}, {"steelyard.dev/allow-shared-ip", "k"}});
    add("shares", {{"ports", json::array({{{"port", 443}, {"protocol", "TCP"}}})}},
        {{"steelyard.dev/loadBalancerIPs", " 192.0.2.9 "}, {"steelyard.dev/allow-shared-ip", "k"}});
    add("field", {{"loadBalancerIP", "192.0.2.10"}});
    add("outside", {{"loadBalancerIP", "198.51.100.1"}});
    lead();
    settle();
    EXPECT_THAT(addresses("asks"), ElementsAre("192.0.2.9"));
    EXPECT_THAT(addresses("shares"), ElementsAre("192.0.2.9"));
    EXPECT_THAT(addresses("field"), ElementsAre("192.0.2.10"));
    EXPECT_THAT(addresses("outside"), IsEmpty());
    EXPECT_THAT(told,
                Contains(testing::AllOf(HasSubstr("outside AllocationFailed: "), HasSubstr("spec.loadBalancerIP"))));
    EXPECT_EQ(reconciler.stats().failures.at("outside_pools"), 1U);
    EXPECT_EQ(reconciler.stats().assigned, 3U);
}

TEST_F(ReconcilerTest, WhatSomebodyWroteIntoTheStatusIsMended) {
    add_pool("front", "192.0.2.0/28");
    add("web");
    lead();
    settle();
    api["web"]["status"]["loadBalancer"] = json::object();
    show("web");
    settle();
    EXPECT_THAT(addresses("web"), ElementsAre("192.0.2.0"));
}

TEST_F(ReconcilerTest, ThePoolThatIsYoungerIsTheOneThatOverlaps) {
    add_pool("a", "192.0.2.0/28");
    add_pool("b", "192.0.2.8/29");
    lead();
    round();
    EXPECT_EQ(reasons["a"], "Accepted");
    EXPECT_EQ(reasons["b"], "Overlap");
}

}  // namespace
}  // namespace steelyard::loadbalancer
