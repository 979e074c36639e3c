// The kinds of Kubernetes, read in one pass.
#include "tests/unit/controller/kube/decode_test.hpp"

namespace steelyard::kube {
namespace {

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
