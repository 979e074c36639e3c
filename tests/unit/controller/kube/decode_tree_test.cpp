// The kinds of steelyard.dev, read from a document tree.
#include "tests/unit/controller/kube/decode_test.hpp"

namespace steelyard::kube {
namespace {

TEST(DecodePolicy, ReadsWhatTheControllerWorksBy) {
    const auto policy =
        item<LoadBalancingPolicy>(R"({"metadata": {"namespace": "shop", "name": "web", "uid": "0b", "generation": 4,
        "resourceVersion": "9", "creationTimestamp": "2026-01-02T03:04:05Z", "managedFields": [{}]},
        "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "web"}], "algorithm": "Random", "newer": 1},
        "status": {"observedGeneration": 3, "conditions": [{"type": "Accepted", "status": "True", "reason": "Accepted",
            "message": "m", "observedGeneration": 3, "lastTransitionTime": "2026-01-02T03:04:06Z"}, {"type": 5}]}})");
    EXPECT_EQ(policy.meta.key().to_string(), "shop/web");
    EXPECT_EQ(policy.uid, "0b");
    EXPECT_EQ(policy.generation, 4);
    EXPECT_EQ(policy.created, "2026-01-02T03:04:05Z");
    EXPECT_EQ(policy.spec.targets, (std::vector<policy::Target>{{"web", ""}}));
    EXPECT_EQ(policy.spec.algorithm, config::Algorithm::random);
    EXPECT_EQ(policy.ignored, std::vector<std::string>{"spec.newer"});
    EXPECT_TRUE(policy.problems.empty());
    ASSERT_EQ(policy.conditions.size(), 2U);
    EXPECT_EQ(policy.conditions[0], (Condition{"Accepted", true, "Accepted", "m", 3, "2026-01-02T03:04:06Z"}));
    EXPECT_EQ(policy.conditions[1], Condition{});
}

TEST(DecodePolicy, NamesWhatIsWrongAndDeliversTheObject) {
    const auto policy = item<LoadBalancingPolicy>(R"({"metadata": {"name": "web", "generation": "4"}, "spec": {}})");
    ASSERT_EQ(policy.problems.size(), 2U);
    EXPECT_EQ(policy.problems[0].to_string(), "metadata.generation: is a string, not a whole number");
    EXPECT_EQ(policy.problems[1].where, "spec.targetRefs");
    EXPECT_EQ(item<LoadBalancingPolicy>("{}").problems.at(0).to_string(), "metadata.name: is missing");
}

TEST(DecodePolicy, ReadsListsAndWatches) {
    ListMeta meta;
    EXPECT_TRUE(
        items<LoadBalancingPolicy>(R"({"metadata":{"resourceVersion":"7","continue":"c"},"items":[]})", &meta).empty());
    EXPECT_EQ(meta.resource_version + meta.continue_token, "7c");
    EXPECT_FALSE(decode_list<LoadBalancingPolicy>("[]", [](LoadBalancingPolicy&&) {}));
    EXPECT_FALSE(decode_list<LoadBalancingPolicy>(R"({"items":[]})", [](LoadBalancingPolicy&&) {}));

    const auto deleted =
        decode_watch_event<LoadBalancingPolicy>(R"({"type":"DELETED","object":{"metadata":{"name":"web"}}})");
    ASSERT_TRUE(deleted);
    EXPECT_EQ(deleted->type, EventType::deleted);
    EXPECT_EQ(deleted->object.meta.name, "web");
    const auto bookmark =
        decode_watch_event<LoadBalancingPolicy>(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}})");
    ASSERT_TRUE(bookmark);
    EXPECT_EQ(bookmark->object.meta.resource_version, "8");
    EXPECT_TRUE(bookmark->object.problems.empty());
    const auto error = decode_watch_event<LoadBalancingPolicy>(
        R"({"type":"ERROR","object":{"code":410,"reason":"Expired","message":"old"}})");
    ASSERT_TRUE(error);
    EXPECT_EQ(error->status.code, 410);
    EXPECT_FALSE(decode_watch_event<LoadBalancingPolicy>(R"({"type":"NEW","object":{}})"));
    const std::string deep =
        R"({"metadata":{"name":"web"},"spec":{"x":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}}";
    EXPECT_FALSE(decode_watch_event<LoadBalancingPolicy>(R"({"type":"ADDED","object":)" + deep + "}"));
    EXPECT_FALSE(decode_list<LoadBalancingPolicy>(R"({"metadata":{"resourceVersion":"7"},"items":[)" + deep + "]}",
                                                  [](LoadBalancingPolicy&&) {}));
    EXPECT_FALSE(decode_watch_event<LoadBalancingPolicy>("{"));
}

TEST(DecodePool, ReadsSpecAndStatus) {
    const auto pool =
        item<AddressPool>(R"({"metadata": {"name": "front", "namespace": "odd", "uid": "0b", "generation": 2,
        "creationTimestamp": "2026-01-02T03:04:05Z"},
        "spec": {"addresses": ["192.0.2.0/28", "2001:db8::1-2001:db8::f"], "autoAssign": false, "namespaces": ["shop"],
          "serviceSelector": {"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "example.com/tier", "operator": "In", "values": ["a", ""]}, {"key": "old", "operator": "DoesNotExist"}]}},
        "status": {"total": 31, "assigned": 1, "available": 30, "conditions": [{"type": "Accepted", "status": "True"}]}})");
    EXPECT_TRUE(pool.problems.empty()) << pool.problems.at(0).to_string();
    EXPECT_EQ(pool.meta.key().to_string(), "front");
    EXPECT_EQ(pool.judged.created, "2026-01-02T03:04:05Z");
    EXPECT_EQ(pool.judged.generation, 2);
    EXPECT_FALSE(pool.spec.auto_assign);
    EXPECT_EQ(pool.spec.addresses.size(), 2U);
    EXPECT_EQ(pool.spec.services.labels.at("app"), "web");
    ASSERT_EQ(pool.spec.services.expressions.size(), 2U);
    EXPECT_EQ(pool.spec.services.expressions[1].op, loadbalancer::LabelSelector::Operator::does_not_exist);
    EXPECT_EQ(pool.counts, (PoolCounts{31, 1, 30}));
    EXPECT_EQ(pool.judged.conditions.size(), 1U);
}

std::string problem_of_pool(const std::string& spec) {
    const auto pool = item<AddressPool>(R"({"metadata": {"name": "front"}, "spec": )" + spec + "}");
    return pool.problems.empty() ? "" : pool.problems[0].to_string();
}

TEST(DecodePool, NamesWhatIsWrong) {
    EXPECT_EQ(problem_of_pool("null"), "spec: is missing");
    EXPECT_EQ(problem_of_pool("{}"), "spec.addresses: is missing: a pool has at least one range");
    EXPECT_EQ(problem_of_pool(R"({"addresses": []})"), "spec.addresses: has 0 elements; 1 to 64 are allowed");
    EXPECT_EQ(problem_of_pool(R"({"addresses": ["a b"]})").find("spec.addresses[0]: 'a b' is not a range"), 0U);
    EXPECT_EQ(problem_of_pool(R"({"addresses": ["10.0.0.0/8", "10.0.0.0/8"]})"),
              "spec.addresses[1]: '10.0.0.0/8' is named before it as well");
    EXPECT_EQ(problem_of_pool(R"({"addresses": ["10.0.0.0/8"], "autoAssign": "no"})"),
              "spec.autoAssign: no is not true or false");
    EXPECT_EQ(problem_of_pool(R"({"addresses": ["10.0.0.0/8"], "namespaces": ["A"]})"),
              "spec.namespaces[0]: 'A' is not the name of a namespace");
    EXPECT_EQ(problem_of_pool(R"({"addresses": ["10.0.0.0/8"], "serviceSelector": {"matchLabels": {"-": "x"}}})"),
              "spec.serviceSelector.matchLabels.-: is not the key of a label");
    EXPECT_EQ(problem_of_pool(R"({"addresses": ["10.0.0.0/8"],
        "serviceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}})"),
              "spec.serviceSelector.matchExpressions[0].values: belongs to the operators In and NotIn");
    EXPECT_EQ(
        problem_of_pool(
            R"({"addresses": ["10.0.0.0/8"], "serviceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}})"),
        "spec.serviceSelector.matchExpressions[0].values: is missing: In and NotIn compare with them");
}

TEST(DecodeAdvertisement, ReadsItAndItsDefaults) {
    const auto plain = item<VirtualIPAdvertisement>(R"({"metadata": {"name": "all"}})");
    EXPECT_TRUE(plain.problems.empty());
    EXPECT_EQ(plain.spec, loadbalancer::AdvertisementSpec{});
    const auto full = item<VirtualIPAdvertisement>(R"({"metadata": {"name": "all"}, "spec": {"addressPools": ["front"],
        "interfaces": ["eth*"], "nodes": ["node-1.example"], "vrrp": {"advertisementInterval": "1s", "preempt": false, "preemptDelay": "5s",
        "acceptMode": false, "virtualRouterIDs": {"first": 10, "last": 20}, "unicastPeers": ["192.0.2.1"]}}})");
    EXPECT_TRUE(full.problems.empty()) << full.problems.at(0).to_string();
    EXPECT_FALSE(full.spec.by_lease);
    const auto leased = item<VirtualIPAdvertisement>(
        R"({"metadata": {"name": "all"}, "spec": {"election": "Lease", "lease": {"duration": "1m"}}})");
    EXPECT_TRUE(leased.spec.by_lease && leased.problems.empty());
    EXPECT_EQ(leased.spec.lease_duration_ms, 60'000U);
    EXPECT_EQ(full.spec.advertisement_interval_ms, 1000U);
    EXPECT_EQ(full.spec.preempt_delay_ms, 5000U);
    EXPECT_FALSE(full.spec.preempt || full.spec.accept);
    EXPECT_EQ(full.spec.first_router_id, 10U);
    EXPECT_EQ(full.spec.last_router_id, 20U);
    EXPECT_EQ(full.spec.peers, std::vector<std::string>{"192.0.2.1"});
}

std::string problem_of_advertisement(const std::string& spec) {
    const auto one = item<VirtualIPAdvertisement>(R"({"metadata": {"name": "all"}, "spec": )" + spec + "}");
    return one.problems.empty() ? "" : one.problems[0].to_string();
}

TEST(DecodeAdvertisement, NamesWhatIsWrong) {
    EXPECT_EQ(problem_of_advertisement(R"({"vrrp": {"advertisementInterval": "15ms"}})"),
              "spec.vrrp.advertisementInterval: is not a multiple of 10ms, the unit of VRRP");
    EXPECT_EQ(problem_of_advertisement(R"({"vrrp": {"advertisementInterval": "41s"}})")
                  .find("spec.vrrp.advertisementInterval: "),
              0U);
    EXPECT_EQ(problem_of_advertisement(R"({"vrrp": {"virtualRouterIDs": {"first": 9, "last": 8}}})"),
              "spec.vrrp.virtualRouterIDs.last: 8 comes before first");
    EXPECT_EQ(problem_of_advertisement(R"({"vrrp": {"virtualRouterIDs": {"first": 0}}})"),
              "spec.vrrp.virtualRouterIDs.first: 0 is not a virtual router ID (1-255)");
    EXPECT_EQ(problem_of_advertisement(R"({"interfaces": ["eth0/1"]})")
                  .find("spec.interfaces[0]: 'eth0/1' is not the name of"),
              0U);
    EXPECT_EQ(problem_of_advertisement(R"({"election": "Raft"})"), "spec.election: 'Raft' is none of VRRP, Lease");
    EXPECT_EQ(problem_of_advertisement(R"({"lease": {"duration": "1500ms"}})"),
              "spec.lease.duration: is not a number of whole seconds, which a Lease counts in");
    EXPECT_EQ(problem_of_advertisement(R"({"lease": {"duration": "2m"}})").find("spec.lease.duration: "), 0U);
    EXPECT_EQ(problem_of_advertisement("[]"), "spec: is a list, not an object");
}

}  // namespace
}  // namespace steelyard::kube
