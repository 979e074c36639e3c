#include "controller/store/cluster_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace steelyard::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

kube::Service service(const std::string& name, const std::string& version = "1") {
    kube::Service made;
    made.meta = {"shop", name, version, {}};
    made.ports.push_back({"http", 80, {}, "TCP", ""});
    return made;
}

kube::EndpointSlice slice(const std::string& name, const std::string& of, size_t endpoints = 1) {
    kube::EndpointSlice made;
    made.meta = {"shop", name, "1", {}};
    made.service_name = of;
    made.address_type = "IPv4";
    made.endpoints.resize(endpoints);
    return made;
}

kube::Pod pod(const std::string& name, const char* weight) {
    kube::Pod made;
    made.meta = {"shop", name, "1", {}};
    if (weight != nullptr) made.meta.annotations["steelyard.dev/weight"] = weight;
    return made;
}

kube::LoadBalancingPolicy policy(const std::string& name, const std::vector<std::string>& services) {
    kube::LoadBalancingPolicy made;
    made.meta = {"shop", name, "1", {}};
    for (const auto& of : services) made.spec.targets.push_back({of, ""});
    return made;
}

std::vector<std::string> changes(ClusterState& state) {
    std::vector<std::string> names;
    for (const Key& key : state.take_changes()) names.push_back(key.to_string());
    return names;
}

TEST(ClusterState, TellsEachChangedObjectOnceHoweverOftenItChanged) {
    ClusterState state;
    state.upsert(service("web"));
    state.upsert(slice("web-1", "web"));
    auto renamed = service("web");
    renamed.ports[0].name = "www";
    state.upsert(std::move(renamed));
    EXPECT_THAT(changes(state), ElementsAre("Service shop/web", "EndpointSlice shop/web-1"));
    EXPECT_FALSE(state.has_changes());
    EXPECT_EQ(state.service({"shop", "web"})->ports[0].name, "www");
}

TEST(ClusterState, AnotherResourceVersionAloneIsNoChange) {
    ClusterState state;
    state.upsert(service("web", "1"));
    state.take_changes();
    state.upsert(service("web", "2"));
    EXPECT_THAT(changes(state), IsEmpty());
}

TEST(ClusterState, KeepsOnlyPodsThatCarryAWeight) {
    ClusterState state;
    state.upsert(pod("a", "5"));
    state.upsert(pod("b", nullptr));
    EXPECT_EQ(state.counts().weighted_pods, 1U);
    EXPECT_EQ(state.pod_weight({"shop", "a"}), "5");
    EXPECT_EQ(state.pod_weight({"shop", "b"}), std::nullopt);
    EXPECT_THAT(changes(state), ElementsAre("Pod shop/a"));
    state.upsert(pod("a", nullptr));
    EXPECT_THAT(changes(state), ElementsAre("Pod shop/a"));
    EXPECT_EQ(state.counts().weighted_pods, 0U);
}

TEST(ClusterState, AnObjectThatARelistDoesNotNameIsRemoved) {
    ClusterState state;
    state.upsert(service("a"));
    state.upsert(service("b"));
    state.upsert(slice("b-1", "b"));
    state.take_changes();
    state.begin_list(Kind::service);
    state.upsert(service("a"));
    state.end_list(Kind::service);
    EXPECT_THAT(changes(state), ElementsAre("Service shop/b"));
    EXPECT_EQ(state.service({"shop", "b"}), nullptr);
    EXPECT_NE(state.slice({"shop", "b-1"}), nullptr) << "another kind's list";
}

TEST(ClusterState, APodsPriorityIsKeptBesideItsWeightAndAloneToo) {
    ClusterState state;
    kube::Pod backup = pod("a", nullptr);
    backup.meta.annotations["steelyard.dev/priority"] = "2";
    state.upsert(kube::Pod(backup));
    EXPECT_EQ(state.pod_priority({"shop", "a"}), "2");
    EXPECT_EQ(state.pod_weight({"shop", "a"}), std::nullopt);
    state.take_changes();
    state.upsert(kube::Pod(backup));
    EXPECT_FALSE(state.has_changes());
    backup.meta.annotations["steelyard.dev/weight"] = "";
    state.upsert(kube::Pod(backup));
    EXPECT_EQ(state.pod_weight({"shop", "a"}), "") << "there, and empty";
    EXPECT_THAT(changes(state), ElementsAre("Pod shop/a"));
    state.upsert(pod("a", nullptr));
    EXPECT_EQ(state.pod_priority({"shop", "a"}), std::nullopt);
    EXPECT_THAT(changes(state), ElementsAre("Pod shop/a"));
}

TEST(ClusterState, AListThatBreaksOffRemovesNothing) {
    ClusterState state;
    state.upsert(service("a"));
    state.begin_list(Kind::service);
    state.begin_list(Kind::service);
    state.upsert(service("a"));
    state.end_list(Kind::service);
    state.end_list(Kind::service);
    EXPECT_NE(state.service({"shop", "a"}), nullptr);
}

TEST(ClusterState, IsSyncedWhenAllKindsWereListed) {
    ClusterState state;
    for (const Kind kind :
         {Kind::service, Kind::endpoint_slice, Kind::pod, Kind::policy, Kind::address_pool, Kind::advertisement}) {
        EXPECT_FALSE(state.synced());
        state.begin_list(kind);
        state.end_list(kind);
    }
    EXPECT_TRUE(state.synced());
}

TEST(ClusterState, KnowsTheSlicesOfAServiceAlsoWhenALabelMoves) {
    ClusterState state;
    state.upsert(slice("s2", "web"));
    state.upsert(slice("s1", "web"));
    EXPECT_THAT(state.slices_of({"shop", "web"}), ElementsAre("s1", "s2"));
    state.upsert(slice("s1", "api", 3));
    EXPECT_THAT(state.slices_of({"shop", "web"}), ElementsAre("s2"));
    EXPECT_THAT(state.slices_of({"shop", "api"}), ElementsAre("s1"));
    EXPECT_EQ(state.counts().endpoints, 4U);
    state.remove(Kind::endpoint_slice, {"shop", "s1"});
    EXPECT_THAT(state.slices_of({"shop", "api"}), IsEmpty());
    EXPECT_EQ(state.counts().endpoints, 1U);
}

TEST(ClusterState, TellsWhichServicesAPolicyNamesAndNamed) {
    ClusterState state;
    state.upsert(policy("p", {"web", "api"}));
    EXPECT_THAT(changes(state), ElementsAre("LoadBalancingPolicy shop/p", "LoadBalancingPolicies of Service shop/api",
                                            "LoadBalancingPolicies of Service shop/web"));
    state.upsert(policy("q", {"web"}));
    EXPECT_THAT(state.policies_of({"shop", "web"}), ElementsAre("p", "q"));
    state.take_changes();
    state.upsert(policy("p", {"api"}));
    EXPECT_THAT(changes(state), ElementsAre("LoadBalancingPolicy shop/p", "LoadBalancingPolicies of Service shop/api",
                                            "LoadBalancingPolicies of Service shop/web"));
    EXPECT_THAT(state.policies_of({"shop", "web"}), ElementsAre("q"));
    state.remove(Kind::policy, {"shop", "p"});
    EXPECT_THAT(state.policies_of({"shop", "api"}), IsEmpty());
    EXPECT_EQ(state.policy({"shop", "p"}), nullptr);
}

TEST(ClusterState, APolicysStatusConcernsNoService) {
    ClusterState state;
    state.upsert(policy("p", {"web"}));
    state.take_changes();
    auto seen = policy("p", {"web"});
    seen.conditions.push_back({"Accepted", true, "Accepted", "", 1});
    seen.generation = 2;
    state.upsert(std::move(seen));
    EXPECT_THAT(changes(state), ElementsAre("LoadBalancingPolicy shop/p"));
}

kube::AddressPool pool(const std::string& name, const std::string& range) {
    kube::AddressPool made;
    made.meta = {"", name, "1", {}};
    made.spec.addresses = {range};
    return made;
}

TEST(ClusterState, TellsThatPoolsChangedWhenMoreThanTheirStatusDid) {
    ClusterState state;
    state.upsert(pool("front", "192.0.2.0/28"));
    EXPECT_THAT(changes(state), ElementsAre("AddressPool front", kAllPools.to_string()));
    auto seen = pool("front", "192.0.2.0/28");
    seen.judged.conditions.push_back({"Accepted", true, "Accepted", "", 1});
    seen.counts = kube::PoolCounts{16, 1, 15};
    state.upsert(std::move(seen));
    EXPECT_THAT(changes(state), ElementsAre("AddressPool front"));
    state.upsert(pool("front", "192.0.2.0/28"));
    state.take_changes();
    state.upsert(pool("front", "192.0.2.0/27"));
    EXPECT_THAT(changes(state), ElementsAre("AddressPool front", kAllPools.to_string()));
    kube::VirtualIPAdvertisement advertisement;
    advertisement.meta.name = "fast";
    state.upsert(kube::VirtualIPAdvertisement(advertisement));
    EXPECT_THAT(changes(state), ElementsAre("VirtualIPAdvertisement fast", kAllPools.to_string()));
    ASSERT_EQ(state.pools().size(), 1U);
    EXPECT_EQ(state.pools()[0], state.pool("front"));
    EXPECT_EQ(state.advertisements().at(0), state.advertisement("fast"));
    state.remove(Kind::address_pool, {"", "front"});
    EXPECT_THAT(changes(state), ElementsAre("AddressPool front", kAllPools.to_string()));
    EXPECT_EQ(state.pool("front"), nullptr);
    EXPECT_EQ(state.counts().advertisements, 1U);
}

kube::Node node(const std::string& name, const std::string& version, const std::string& zone) {
    kube::Node made;
    made.meta = {"", name, version, {{"steelyard.dev/x", version}}};
    made.labels.emplace("zone", zone);
    return made;
}

TEST(ClusterState, TellsOfNodesWhoseLabelsChangedAndOfNothingElseOfThem) {
    ClusterState state;
    EXPECT_FALSE(state.synced(Kind::node));
    state.begin_list(Kind::node);
    state.upsert(node("b", "1", "x"));
    state.upsert(node("a", "1", "x"));
    EXPECT_THAT(changes(state), ElementsAre("Node a", "Node b"));
    state.end_list(Kind::node);
    EXPECT_THAT(changes(state), ElementsAre(kAllPools.to_string())) << "now they are all known";
    EXPECT_TRUE(state.synced(Kind::node));
    state.upsert(node("a", "2", "x"));
    EXPECT_THAT(changes(state), ElementsAre());
    state.upsert(node("a", "3", "y"));
    EXPECT_THAT(changes(state), ElementsAre("Node a"));
    ASSERT_EQ(state.nodes().size(), 2U);
    EXPECT_EQ(state.nodes()[0]->meta.name, "a");
    state.begin_list(Kind::node);
    state.upsert(node("a", "4", "y"));
    state.end_list(Kind::node);
    EXPECT_THAT(changes(state), ElementsAre("Node b"));
    EXPECT_FALSE(state.synced()) << "the other kinds are not";
}

TEST(ClusterState, KnowsTheServicesThatHaveABalancer) {
    ClusterState state;
    auto web = service("web");
    web.balancer.make();
    state.upsert(std::move(web));
    state.upsert(service("api"));
    EXPECT_THAT(state.balanced(), ElementsAre(kube::ObjectKey{"shop", "web"}));
    state.upsert(service("web"));
    EXPECT_THAT(state.balanced(), IsEmpty());
    auto again = service("web");
    again.balancer.make();
    state.upsert(std::move(again));
    state.remove(Kind::service, {"shop", "web"});
    EXPECT_THAT(state.balanced(), IsEmpty());
}

TEST(ClusterState, TellsWhenAServicesSlicesCrossTheCrowdLimitInEitherDirection) {
    ClusterState state(10);
    state.upsert(slice("s1", "web", 6));
    EXPECT_THAT(changes(state), ElementsAre("EndpointSlice shop/s1"));
    state.upsert(slice("s2", "web", 6));
    EXPECT_THAT(changes(state), ElementsAre("EndpointSlice shop/s2", "EndpointSlices of Service shop/web"));
    EXPECT_EQ(state.endpoints_before({"shop", "web"}, "s1"), 0U);
    EXPECT_EQ(state.endpoints_before({"shop", "web"}, "s2"), 6U);
    state.remove(Kind::endpoint_slice, {"shop", "s1"});
    EXPECT_THAT(changes(state), ElementsAre("EndpointSlice shop/s1", "EndpointSlices of Service shop/web"));
    EXPECT_EQ(state.endpoints_before({"shop", "web"}, "s2"), 0U);
}

}  // namespace
}  // namespace steelyard::store
