#include "controller/kube/decode.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace steelyard::kube {
namespace {

template <class T>
std::vector<T> items(std::string_view json, ListMeta* meta = nullptr) {
    std::vector<T> out;
    const Result<ListMeta> list = decode_list<T>(json, [&](T&& item) { out.push_back(std::move(item)); });
    EXPECT_TRUE(list) << list.error().to_string();
    if (list && meta != nullptr) *meta = *list;
    return out;
}

// One item in a list of its own.
template <class T>
T item(const std::string& json) {
    const std::vector<T> all = items<T>(R"({"metadata":{"resourceVersion":"1"},"items":[)" + json + "]}");
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? T{} : all.front();
}

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

constexpr std::string_view kServices = R"({
 "kind":"ServiceList","apiVersion":"v1",
 "metadata":{"resourceVersion":"4711","continue":"eyJ2Ijoi","remainingItemCount":3},
 "items":[
  {"metadata":{"name":"web","namespace":"shop","uid":"0b","resourceVersion":"812","creationTimestamp":"2026-01-02T03:04:05Z",
    "labels":{"app":"web"},
    "annotations":{"steelyard.dev/algorithm":"least-request","kubectl.kubernetes.io/last-applied-configuration":"{\"a\":[1]}"},
    "managedFields":[{"manager":"kubectl","operation":"Update","fieldsV1":{"f:spec":{"f:ports":{"k:{\"port\":80}":{".":{}}}}}}]},
   "spec":{"ports":[{"name":"http","protocol":"TCP","appProtocol":"kubernetes.io/h2c","port":80,"targetPort":"web"},
                    {"name":"dns","protocol":"UDP","port":53,"targetPort":5353,"nodePort":30053}],
     "selector":{"app":"web"},"clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7","fd00::7"],"type":"LoadBalancer","sessionAffinity":"ClientIP",
     "sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}},"internalTrafficPolicy":"Cluster","trafficDistribution":"PreferSameZone"},
   "status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}},
  {"metadata":{"name":"mail","namespace":"shop","resourceVersion":"813"},
   "spec":{"externalName":"mail.example.org","sessionAffinity":"None","type":"ExternalName"},"status":{"loadBalancer":{}}}
 ]})";

TEST(Decode, AServiceListGivesWhatTranslationNeedsAndNothingElse) {
    ListMeta meta;
    const std::vector<Service> services = items<Service>(kServices, &meta);
    EXPECT_EQ(meta.resource_version, "4711");
    EXPECT_EQ(meta.continue_token, "eyJ2Ijoi");
    ASSERT_EQ(services.size(), 2U);
    Service web;
    web.meta = {"shop", "web", "812", {{"steelyard.dev/algorithm", "least-request"}}};
    web.uid = "0b";
    web.type = "LoadBalancer";
    web.cluster_ip = "10.96.0.7";
    web.cluster_ips = {"10.96.0.7", "fd00::7"};
    web.session_affinity = "ClientIP";
    web.session_affinity_timeout_seconds = 10800;
    web.traffic_distribution = "PreferSameZone";
    web.ports = {{"http", 80, std::string("web"), "TCP", "kubernetes.io/h2c"}, {"dns", 53, int64_t{5353}, "UDP", ""}};
    LoadBalancer& balancer = web.balancer.make();
    balancer.created = "2026-01-02T03:04:05Z";
    balancer.labels = {{"app", "web"}};
    balancer.ingress = {{"192.0.2.1", "", ""}};
    EXPECT_EQ(services[0], web);
    EXPECT_FALSE(services[1].balancer);
    EXPECT_EQ(services[1].type, "ExternalName");
    EXPECT_EQ(services[1].external_name, "mail.example.org");
    EXPECT_TRUE(services[1].ports.empty());
    EXPECT_TRUE(services[1].problems.empty());
}

TEST(Decode, ANodeIsItsNameAndItsLabels) {
    const Node node = item<Node>(R"({"kind": "PartialObjectMetadata", "metadata": {"name": "n1", "resourceVersion": "9",
        "labels": {"zone": "a", "example.com/edge": ""}, "annotations": {"other": "x"}, "managedFields": [{"manager": "kubelet"}]},
        "status": {"images": [{}]}})");
    EXPECT_EQ(node.meta.name, "n1");
    EXPECT_EQ(node.meta.ns, "");
    EXPECT_EQ(node.labels, (decltype(node.labels){{"zone", "a"}, {"example.com/edge", ""}}));
    EXPECT_TRUE(node.meta.annotations.empty());
    EXPECT_TRUE(node.problems.empty());
}

constexpr const char* kBalanced =
    R"({"metadata":{"name":"web","namespace":"shop","deletionTimestamp":"2026-01-02T03:04:05Z",
    "finalizers":["example.com/other","steelyard.dev/vip"]},
   "spec":{"ports":[{"port":80}],"type":"TYPE","loadBalancerClass":"steelyard.dev/vip","loadBalancerIP":"192.0.2.9",
     "loadBalancerSourceRanges":["10.0.0.0/8"],"externalTrafficPolicy":"Local","ipFamilies":["IPv6","IPv4"],"ipFamilyPolicy":"PreferDualStack"},
   "status":{"loadBalancer":{"ingress":[{"ip":"2001:db8::7","ipMode":"Proxy"},{"hostname":"a.example","ports":[{"port":1}]}]}}})";

std::string balanced(const std::string& type) {
    std::string text = kBalanced;
    return text.replace(text.find("TYPE"), 4, type);
}

TEST(Decode, AServiceOfTypeLoadBalancerKeepsWhatItsAddressDependsOn) {
    const Service web = item<Service>(balanced("LoadBalancer"));
    ASSERT_TRUE(web.balancer);
    EXPECT_TRUE(web.balancer->deleted);
    EXPECT_TRUE(web.balancer->has_finalizer());
    EXPECT_EQ(web.balancer->load_balancer_class, kVipClass);
    EXPECT_EQ(web.balancer->load_balancer_ip, "192.0.2.9");
    EXPECT_EQ(web.balancer->source_ranges, std::vector<std::string>{"10.0.0.0/8"});
    EXPECT_EQ(web.balancer->external_traffic_policy, "Local");
    EXPECT_EQ(web.balancer->ip_families, (std::vector<std::string>{"IPv6", "IPv4"}));
    EXPECT_EQ(web.balancer->ip_family_policy, "PreferDualStack");
    EXPECT_EQ(web.balancer->ingress, (std::vector<Ingress>{{"2001:db8::7", "", "Proxy"}, {"", "a.example", ""}}));
    EXPECT_TRUE(web.problems.empty());
}

TEST(Decode, AServiceOfAnotherTypeKeepsItOnlyWhileItHasOurFinalizer) {
    EXPECT_TRUE(item<Service>(balanced("ClusterIP")).balancer);
    std::string without = balanced("ClusterIP");
    without.replace(without.find(",\"steelyard.dev/vip\""), std::string(",\"steelyard.dev/vip\"").size(), "");
    EXPECT_FALSE(item<Service>(without).balancer);
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

constexpr const char* kSlice =
    R"({"metadata":{"name":"web-x7k2p","generateName":"web-","namespace":"shop","resourceVersion":"99",
   "labels":{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"web"},
   "ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"web","controller":true}]},
  "addressType":"IPv4",
  "endpoints":[
   {"addresses":["10.77.0.1"],"conditions":{"ready":true,"serving":true,"terminating":false},
    "targetRef":{"kind":"Pod","namespace":"shop","name":"web-5d78c9869d-aaaaa","uid":"1"},"nodeName":"node-1","zone":"a",
    "hints":{"forZones":[{"name":"a"}]}},
   {"addresses":["10.77.0.2","10.77.0.3"],"conditions":{"ready":false,"serving":true,"terminating":true},
    "targetRef":{"name":"web-b","kind":"Pod"},"nodeName":"node-1"},
   {"addresses":["10.77.0.4"],"conditions":{},"targetRef":{"kind":"VirtualMachine","namespace":"shop","name":"vm"}}],
  "ports":[{"name":"http","protocol":"TCP","port":8000},{"name":"","port":null,"protocol":"UDP"}]})";

TEST(Decode, AnEndpointSliceKeepsConditionsZonesAndPods) {
    const EndpointSlice slice = item<EndpointSlice>(kSlice);
    EXPECT_EQ(slice.meta.key(), (ObjectKey{"shop", "web-x7k2p"}));
    EXPECT_EQ(slice.service_name, "web");
    EXPECT_EQ(slice.address_type, "IPv4");
    const std::vector<SlicePort> ports = {{"http", 8000, "TCP", ""}, {"", std::nullopt, "UDP", ""}};
    EXPECT_EQ(slice.ports, ports);
    const std::vector<SliceEndpoint> endpoints = {
        {"10.77.0.1", true, true, false, "a", "node-1", "shop", "web-5d78c9869d-aaaaa"},
        {"10.77.0.2", false, true, true, "", "node-1", "shop", "web-b"},
        {"10.77.0.4", std::nullopt, std::nullopt, std::nullopt, "", "", "", ""}};
    EXPECT_EQ(slice.endpoints, endpoints);
    EXPECT_TRUE(slice.problems.empty());
}

TEST(Decode, APodIsItsNameAndOurAnnotations) {
    const std::vector<Pod> pods = items<Pod>(R"({"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",
      "metadata":{"resourceVersion":"7"},"items":[
      {"metadata":{"name":"a","namespace":"shop","resourceVersion":"5","annotations":{"steelyard.dev/weight":"5","x":"y"}}},
      {"metadata":{"name":"b","namespace":"shop","resourceVersion":"6","annotations":null,"labels":{"app":"b"}}}]})");
    ASSERT_EQ(pods.size(), 2U);
    EXPECT_EQ(pods[0].meta, (ObjectMeta{"shop", "a", "5", {{"steelyard.dev/weight", "5"}}}));
    EXPECT_EQ(pods[1].meta, (ObjectMeta{"shop", "b", "6", {}}));
}

TEST(Decode, AnEmptyListMayHaveNullItems) {
    EXPECT_TRUE(items<Service>(R"({"metadata":{"resourceVersion":"1"},"items":null})").empty());
    EXPECT_TRUE(items<Service>(R"({"metadata":{"resourceVersion":"1"},"items":[]})").empty());
    EXPECT_TRUE(items<Service>(R"({"items":[],"metadata":{"resourceVersion":"1"}})").empty());
}

TEST(Decode, AWronglyTypedFieldIsNamedAndTheRestIsKept) {
    const Service service =
        item<Service>(R"({"metadata":{"name":"web","namespace":7,"annotations":{"steelyard.dev/x":1}},
       "spec":{"ports":[{"name":"a","port":80},{"port":"eighty","targetPort":1.5,"protocol":{"TCP":[1,{}]}},"nonsense",null],
       "type":["ClusterIP"],"clusterIP":true,"sessionAffinityConfig":"none"}})");
    const Problems expected = {
        {"metadata.namespace", "a number where a string is expected; ignored"},
        {"metadata.annotations.steelyard.dev/x", "a number where a string is expected; ignored"},
        {"spec.ports[1].port", "a string where an integer is expected; ignored"},
        {"spec.ports[1].targetPort",
         "a number that is no 64-bit integer where an integer or a string is expected; ignored"},
        {"spec.ports[1].protocol", "an object where a string is expected; ignored"},
        {"spec.ports[2]", "a string where an object is expected; ignored"},
        {"spec.ports[3]", "null where an object is expected; ignored"},
        {"spec.type", "a list where a string is expected; ignored"},
        {"spec.clusterIP", "a boolean where a string is expected; ignored"},
        {"spec.sessionAffinityConfig", "a string where an object is expected; ignored"},
    };
    EXPECT_EQ(service.problems, expected);
    ASSERT_EQ(service.ports.size(), 2U);
    EXPECT_EQ(service.ports[0].port, 80);
    EXPECT_EQ(service.ports[1].port, 0);
}

TEST(Decode, AbsurdNumbersAreDeliveredAsTheyAreOrNamed) {
    const Service service = item<Service>(
        R"({"metadata":{"name":"w"},"spec":{"ports":[{"port":-1},{"port":9223372036854775807},{"port":9223372036854775808},{"port":1e300}]}})");
    EXPECT_EQ(service.ports[0].port, -1);
    EXPECT_EQ(service.ports[1].port, INT64_MAX);
    EXPECT_EQ(service.ports[2].port, 0);
    ASSERT_EQ(service.problems.size(), 2U);
    EXPECT_EQ(service.problems[0].where, "spec.ports[2].port");
    EXPECT_EQ(service.problems[1].where, "spec.ports[3].port");
}

TEST(Decode, ProblemsAreBounded) {
    std::string ports;
    for (int i = 0; i < 1000; ++i) ports += std::string(i == 0 ? "" : ",") + R"({"port":"x"})";
    EXPECT_EQ(item<Service>(R"({"metadata":{"name":"w"},"spec":{"ports":[)" + ports + "]}}").problems.size(),
              kMaxProblems);
}

TEST(Decode, AnItemWithoutANameSaysSo) {
    const Service service = item<Service>(R"({"metadata":{},"spec":{}})");
    ASSERT_EQ(service.problems.size(), 1U);
    EXPECT_EQ(service.problems[0].to_string(), "metadata.name: missing; the object is ignored");
}

TEST(Decode, TextThatIsNoListIsAnError) {
    const std::vector<std::string> bad = {
        "",
        "{",
        "null",
        "[]",
        "42",
        R"("text")",
        "<html>502</html>",
        R"({"kind":"Status","code":500,"message":"boom"})",
        R"({"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}})",
        R"({"metadata":{"resourceVersion":"1"},"items":[]} trailing)",
        "{\"metadata\":{\"resourceVersion\":\"\xff\"}}",
        std::string("{\"metadata\":{\"resource\0Version\":\"1\"}}", 38),
        std::string(200000, '['),
        R"({"a":)" + std::string(200000, '['),
    };
    for (const std::string& text : bad) {
        const auto list = decode_list<Service>(text, [](Service&&) {});
        EXPECT_FALSE(list) << text.substr(0, 80);
    }
}

TEST(Decode, DeepNestingInAFieldNobodyWantsIsHarmless) {
    const std::string deep = std::string(100000, '[') + std::string(100000, ']');
    EXPECT_EQ(item<Service>(R"({"x":)" + deep + R"(,"metadata":{"name":"w","managedFields":)" + deep + "}}").meta.name,
              "w");
}

TEST(Decode, WatchEvents) {
    const auto added = decode_watch_event<EndpointSlice>(std::string(R"({"type":"ADDED","object":)") + kSlice + "}");
    ASSERT_TRUE(added) << added.error().to_string();
    EXPECT_EQ(added->type, EventType::added);
    EXPECT_EQ(added->object.endpoints.size(), 3U);
    const auto removed =
        decode_watch_event<Pod>(R"({"object":{"metadata":{"namespace":"n","name":"p"}},"type":"DELETED"})");
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->type, EventType::deleted);
    EXPECT_EQ(removed->object.meta.key(), (ObjectKey{"n", "p"}));
    const auto bookmark = decode_watch_event<Service>(
        R"({"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"12746"},"spec":{}}})");
    ASSERT_TRUE(bookmark);
    EXPECT_EQ(bookmark->type, EventType::bookmark);
    EXPECT_EQ(bookmark->object.meta.resource_version, "12746");
    EXPECT_TRUE(bookmark->object.problems.empty());
    const auto gone = decode_watch_event<Service>(
        R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
            "message":"too old resource version: 1 < 2","reason":"Expired","code":410}})");
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->type, EventType::error);
    EXPECT_EQ(gone->status.code, 410);
    EXPECT_EQ(gone->status.reason, "Expired");
    EXPECT_EQ(gone->status.message, "too old resource version: 1 < 2");
}

TEST(Decode, AWatchLineThatIsNoEventIsAnError) {
    for (const std::string text :
         {"", "{}", "[1]", R"({"type":"UPDATED","object":{}})", R"({"type":7})", R"({"type":"ADDED")"}) {
        EXPECT_FALSE(decode_watch_event<Service>(text)) << text;
    }
    const auto nothing = decode_watch_event<Service>(R"({"type":"ADDED","object":null})");
    ASSERT_TRUE(nothing);
    EXPECT_EQ(nothing->object.problems.size(), 1U);
}

TEST(Decode, AStatusBodyIsReadOrQuoted) {
    const Status status =
        decode_status(R"({"kind":"Status","metadata":{},"status":"Failure","message":"pods is forbidden: User",
        "reason":"Forbidden","details":{"kind":"pods"},"code":403})");
    EXPECT_EQ(status.code, 403);
    EXPECT_EQ(status.message, "pods is forbidden: User");
    EXPECT_EQ(decode_status("<html>\n<b>502</b>").message, "<html> <b>502</b>");
    EXPECT_EQ(decode_status(std::string(5000, 'x')).message.size(), 200U);
}

}  // namespace
}  // namespace steelyard::kube
