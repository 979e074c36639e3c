#include "controller/manifests/decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace steelyard::manifests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const char* const kService = R"(apiVersion: v1
kind: Service
metadata: {namespace: shop, name: web}
spec:
  ports: [{name: http, port: 80, targetPort: web, appProtocol: http}]
)";

std::vector<std::string> faults(const std::string& text, const DecodeOptions& options = {}) {
    const auto decoded = decode_manifest(text, options);
    if (!decoded) return {"file: " + decoded.error().to_string()};
    std::vector<std::string> lines;
    for (const Fault& fault : decoded->faults)
        lines.push_back(fault.place.to_string() + ": " + fault.error.to_string());
    return lines;
}

std::vector<std::string> names(const std::string& text) {
    const auto decoded = decode_manifest(text);
    if (!decoded) return {"file: " + decoded.error().to_string()};
    std::vector<std::string> all;
    for (const Placed& placed : decoded->objects) all.push_back(placed.place.to_string());
    return all;
}

TEST(Decode, ReadsAServiceInFull) {
    const auto decoded = decode_manifest(R"(
apiVersion: v1
kind: Service
metadata:
  namespace: shop
  name: web
  annotations: {steelyard.dev/algorithm: random, example.com/other: "1"}
  labels: {app: web}
spec:
  type: LoadBalancer
  clusterIP: None
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 90}}
  trafficDistribution: PreferSameNode
  ports:
    - {name: http, port: 80, targetPort: web, protocol: TCP, appProtocol: http}
    - {name: admin, port: 8080, targetPort: 9000}
)");
    ASSERT_TRUE(decoded);
    ASSERT_THAT(decoded->faults, IsEmpty());
    const auto& service = std::get<kube::Service>(decoded->objects.at(0).object);
    kube::Service want;
    want.meta = {"shop", "web", "", {{"steelyard.dev/algorithm", "random"}}};
    want.type = "LoadBalancer";
    want.cluster_ip = "None";
    want.session_affinity = "ClientIP";
    want.session_affinity_timeout_seconds = 90;
    want.traffic_distribution = "PreferSameNode";
    want.ports.push_back({"http", 80, std::string("web"), "TCP", "http"});
    want.ports.push_back({"admin", 8080, int64_t{9000}, "TCP", ""});
    want.balancer.make().labels = {{"app", "web"}};
    EXPECT_EQ(service, want);
}

TEST(Decode, ReadsASliceInFull) {
    const auto decoded = decode_manifest(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: shop, name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8000}, {name: open}]
endpoints:
  - addresses: [10.0.0.1, 10.0.0.2]
    conditions: {ready: true, serving: null, terminating: false}
    nodeName: node-a
    zone: zone-1
    targetRef: {kind: Pod, name: web-1}
  - addresses: ["fd00::1"]
    targetRef: {kind: Node, name: node-a}
)");
    ASSERT_TRUE(decoded);
    ASSERT_THAT(decoded->faults, IsEmpty());
    const auto& slice = std::get<kube::EndpointSlice>(decoded->objects.at(0).object);
    EXPECT_EQ(slice.service_name, "web");
    EXPECT_EQ(slice.ports.at(0).port, 8000);
    EXPECT_EQ(slice.ports.at(1).port, std::nullopt);
    kube::SliceEndpoint want;
    want.address = "10.0.0.1";
    want.ready = true;
    want.terminating = false;
    want.zone = "zone-1";
    want.node_name = "node-a";
    want.pod_ns = "shop";
    want.pod_name = "web-1";
    EXPECT_EQ(slice.endpoints.at(0), want);
    EXPECT_EQ(slice.endpoints.at(1).pod_name, "");
    EXPECT_EQ(slice.endpoints.at(1).ready, std::nullopt);
}

TEST(Decode, ReadsJson) {
    EXPECT_THAT(names("{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"web-1\", "
                      "\"annotations\": "
                      "{\"steelyard.dev/weight\": \"5\"}}\n}\n"),
                ElementsAre("document 1 (Pod default/web-1)"));
}

TEST(Decode, CountsDocumentsAndItemsAsAPersonWould) {
    EXPECT_THAT(
        names(
            "# a comment\n---\n" + std::string(kService) + "---\n---\napiVersion: v1\nkind: List\nitems:\n" +
            "- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n"),
        ElementsAre("document 1 (Service shop/web)", "document 3, item 1 (Pod default/a)",
                    "document 3, item 2 (Pod default/b)"));
}

TEST(Decode, ReadsTypedListsWhoseItemsDoNotRepeatTheirKind) {
    EXPECT_THAT(names("apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}, {metadata: {name: b}}]\n"),
                ElementsAre("document 1, item 1 (Pod default/a)", "document 1, item 2 (Pod default/b)"));
}

TEST(Decode, ReadsNodesWhichHaveNoNamespace) {
    const auto decoded = decode_manifest(
        "apiVersion: v1\nkind: NodeList\nitems: [{metadata: {name: n1, labels: {zone: a, rack: '7'}}}, "
        "{metadata: {name: N}}, {metadata: {name: n2, labels: {rack: 7}}}]\n");
    ASSERT_TRUE(decoded);
    ASSERT_EQ(decoded->objects.size(), 1U);
    EXPECT_EQ(decoded->objects[0].place.to_string(), "document 1, item 1 (Node n1)");
    const auto& node = std::get<kube::Node>(decoded->objects[0].object);
    EXPECT_EQ(node.labels, (decltype(node.labels){{"zone", "a"}, {"rack", "7"}}));
    ASSERT_EQ(decoded->faults.size(), 2U);
    EXPECT_EQ(decoded->faults[0].place.to_string(), "document 1, item 2 (Node N)");
    EXPECT_EQ(decoded->faults[1].error.to_string(), "metadata.labels.rack: '7' (a number) is not a text: write \"7\"");
}

TEST(Decode, PassesOverOtherKinds) {
    const auto decoded =
        decode_manifest("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n" + std::string(kService));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->passed_over, 1U);
    EXPECT_EQ(decoded->objects.size(), 1U);
    EXPECT_THAT(decoded->faults, IsEmpty());
}

TEST(Decode, NamesPlaceFieldAndFault) {
    const std::pair<std::string, std::string> table[] = {
        {"kind: Service\nmetadata: {name: web}\n",
         "document 1 (Service default/web): apiVersion: '' of Service is not read, only v1"},
        {"apiVersion: v1\nmetadata: {name: web}\n", "document 1: kind: is missing"},
        {"apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: s}\n",
         "document 1 (EndpointSlice default/s): apiVersion: 'discovery.k8s.io/v1beta1' of EndpointSlice is not read, "
         "only discovery.k8s.io/v1"},
        {"- a\n- b\n", "document 1: a list is not a mapping"},
        {"just text\n", "document 1: 'just text' is not a mapping"},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {steelyard.dev/weight: 5}}\n",
         "document 1 (Pod default/a): metadata.annotations.steelyard.dev/weight: '5' (a number) is not a text: write "
         "\"5\""},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: true}\n",
         "document 1 (Pod default/true): metadata.name: 'true' (a truth value) is not a text: write \"true\""},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: [a]}\n", "document 1 (Pod): metadata.name: a list is not a text"},
        {"apiVersion: v1\nkind: Pod\nmetadata: {}\n", "document 1 (Pod): metadata.name: is missing"},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: Web}\n",
         "document 1 (Pod default/Web): metadata.name: 'Web' is not a name (lower case letters, digits and '-'; parts "
         "joined by '.', at most 253)"},
    };
    for (const auto& [text, want] : table) EXPECT_THAT(faults(text), ElementsAre(want)) << text;
}

std::string service_with(const std::string& spec) {
    return "apiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: web}\nspec: " + spec + "\n";
}

TEST(Decode, HoldsServicesToWhatAnApiServerChecks) {
    const std::string at = "document 1 (Service shop/web): ";
    EXPECT_THAT(faults(service_with("{ports: [{port: 0}]}")),
                ElementsAre(at + "spec.ports[0].port: 0 is not a port (1-65535)"));
    EXPECT_THAT(faults(service_with("{ports: [{port: \"80\"}]}")),
                ElementsAre(at + "spec.ports[0].port: '80' (a text) is not a whole number"));
    EXPECT_THAT(faults(service_with("{ports: [{port: 80.5}]}")),
                ElementsAre(at + "spec.ports[0].port: '80.5' (a number) is not a whole number"));
    EXPECT_THAT(faults(service_with("{ports: [{port: 80, targetPort: 0}]}")),
                ElementsAre(at + "spec.ports[0].targetPort: 0 is not a port (1-65535)"));
    EXPECT_THAT(faults(service_with("{ports: [{port: 80, protocol: HTTP}]}")),
                ElementsAre(at + "spec.ports[0].protocol: 'HTTP' is none of TCP, UDP, SCTP"));
    EXPECT_THAT(faults(service_with("{ports: [{port: 80}, {port: 80}]}")),
                ElementsAre(at + "spec.ports[0].name: is missing; with several ports each has a name",
                            at + "spec.ports[1].name: is missing; with several ports each has a name",
                            at + "spec.ports[1].port: 80/TCP is a port before it as well"));
    EXPECT_THAT(faults(service_with("{ports: [{name: a, port: 53, protocol: UDP}, {name: a, port: 53}]}")),
                ElementsAre(at + "spec.ports[1].name: 'a' is the name of a port before it as well"));
    EXPECT_THAT(faults(service_with("{type: Router, ports: [{port: 80}]}")),
                ElementsAre(at + "spec.type: 'Router' is none of ClusterIP, NodePort, LoadBalancer, ExternalName"));
    EXPECT_THAT(faults(service_with("{}")),
                ElementsAre(at + "spec.ports: is missing; a Service has at least one port"));
    EXPECT_THAT(faults(service_with("{clusterIP: None}")), IsEmpty());
    EXPECT_THAT(faults(service_with("{ports: 80}")), ElementsAre(at + "spec.ports: '80' (a number) is not a list"));
}

TEST(Decode, HoldsSlicesToWhatAnApiServerChecksButLeavesAddressesToTranslation) {
    const auto slice = [](const std::string& rest) {
        return "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s}, " + rest + "}";
    };
    const std::string at = "document 1 (EndpointSlice default/s): ";
    EXPECT_THAT(faults(slice("addressType: IPv5")),
                ElementsAre(at + "addressType: 'IPv5' is none of IPv4, IPv6, FQDN"));
    EXPECT_THAT(faults(slice("addressType: IPv4, ports: [{port: 70000}, {port: 80}]")),
                ElementsAre(at + "ports[0].port: 70000 is not a port (1-65535)",
                            at + "ports[1].name: '' is the name of a port before it as well"));
    EXPECT_THAT(faults(slice("addressType: IPv4, endpoints: [{addresses: [nonsense]}, {}]")), IsEmpty());
    EXPECT_THAT(faults(slice("addressType: IPv4, endpoints: [{addresses: [1.2.3.4], conditions: {ready: \"true\"}}]")),
                ElementsAre(at + "endpoints[0].conditions.ready: 'true' (a text) is neither true nor false"));
}

TEST(Decode, ReadsPoolsAndAdvertisementsAndTheAddressesOfServices) {
    const auto decoded = decode_manifest(
        "apiVersion: steelyard.dev/v1alpha1\nkind: AddressPool\nmetadata: {name: front}\nspec: {addresses: "
        "[192.0.2.0/28]}\n"
        "---\napiVersion: steelyard.dev/v1alpha1\nkind: VirtualIPAdvertisement\nmetadata: {name: all}\nspec: "
        "{interfaces: [eth0]}\n"
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer, loadBalancerClass: "
        "steelyard.dev/vip,"
        " externalTrafficPolicy: Local, ports: [{port: 80}]}\nstatus: {loadBalancer: {ingress: [{ip: 192.0.2.7, "
        "ipMode: Proxy}]}}\n");
    ASSERT_TRUE(decoded && decoded->faults.empty());
    ASSERT_EQ(decoded->objects.size(), 3U);
    EXPECT_EQ(std::get<kube::AddressPool>(decoded->objects[0].object).spec.addresses.at(0), "192.0.2.0/28");
    EXPECT_EQ(decoded->objects[0].place.to_string(), "document 1 (AddressPool front)");
    EXPECT_EQ(std::get<kube::VirtualIPAdvertisement>(decoded->objects[1].object).spec.interfaces.at(0), "eth0");
    const auto& web = std::get<kube::Service>(decoded->objects[2].object);
    ASSERT_TRUE(web.balancer);
    EXPECT_EQ(web.balancer->external_traffic_policy, "Local");
    EXPECT_EQ(web.balancer->ingress.at(0).ip, "192.0.2.7");
}

TEST(Decode, AFieldOfAPoolThatIsNotKnownIsRefused) {
    const auto decoded = decode_manifest(
        "apiVersion: steelyard.dev/v1alpha1\nkind: AddressPool\nmetadata: {name: front}\nspec: {addresses: "
        "[192.0.2.0/28], range: x}\n");
    ASSERT_TRUE(decoded && decoded->faults.size() == 1);
    EXPECT_EQ(decoded->faults[0].place.to_string() + ": " + decoded->faults[0].error.to_string(),
              "document 1 (AddressPool front): spec.range: is not a field that is known here (addresses, autoAssign, "
              "namespaces, "
              "serviceSelector)");
}

TEST(Decode, OneBadObjectLeavesTheOthers) {
    const std::string text =
        service_with("{ports: [{port: 0}]}") + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: fine}\n";
    EXPECT_THAT(names(text), ElementsAre("document 2 (Pod default/fine)"));
    EXPECT_EQ(faults(text).size(), 1U);
}

TEST(Decode, WhatIsNoYamlSaysWhere) {
    EXPECT_THAT(faults("a: b\n  c: d\n"), ElementsAre("file: line 2, column 4: illegal map value"));
    EXPECT_THAT(faults("a: [1, 2\n"), ElementsAre(testing::StartsWith("file: line 2, column 1: ")));
    EXPECT_THAT(faults("a: *nowhere\n"), ElementsAre(testing::StartsWith("file: line 1, ")));
}

TEST(Decode, ANodeCannotContainItself) {
    EXPECT_THAT(faults("a: &a [*a]\n"), ElementsAre("file: line 1, column 8: an alias of the node that it is in"));
}

TEST(Decode, AliasesAreResolvedAndCounted) {
    EXPECT_THAT(
        names("apiVersion: v1\nkind: List\nitems:\n- &p {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- *p\n"),
        ElementsAre("document 1, item 1 (Pod default/a)", "document 1, item 2 (Pod default/a)"));
    // Nine levels of nine: 387 million endpoints in a kilobyte.
    std::string bomb = "apiVersion: v1\nkind: List\nx0: &x0 {addresses: [10.0.0.1]}\n";
    bomb += "x1: &x1 [*x0,*x0,*x0,*x0,*x0,*x0,*x0,*x0,*x0]\n";
    for (int i = 2; i < 10; ++i) {
        bomb += "x" + std::to_string(i) + ": &x" + std::to_string(i) + " [";
        for (int j = 0; j < 9; ++j) bomb += (j == 0 ? "*x" : ",*x") + std::to_string(i - 1);
        bomb += "]\n";
    }
    EXPECT_THAT(faults(bomb + "items: *x9\n"), testing::Not(IsEmpty()));
    std::string wide =
        "apiVersion: v1\nkind: List\nitems:\n- &s {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, "
        "metadata: {name: s}, addressType: IPv4, endpoints: [";
    for (int i = 0; i < 300; ++i) wide += "{addresses: [10.0.0.1]},";
    wide += "]}\n";
    for (int i = 0; i < 300; ++i) wide += "- *s\n";
    DecodeOptions options;
    options.budget.fields = 20'000;
    EXPECT_THAT(faults(wide, options),
                ElementsAre(testing::HasSubstr("holds (aliases counted each time) more than one file may")));
}

TEST(Decode, DepthIsBounded) {
    EXPECT_THAT(faults(std::string(100'000, '[')), ElementsAre(testing::StartsWith("file: ")));
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::string(static_cast<size_t>(i % 4000), ' ') + "a:\n";
    EXPECT_EQ(faults(text).size(), 1U);
}

TEST(Decode, NodesAndDocumentsAreBounded) {
    DecodeOptions options;
    options.yaml.nodes = 100;
    std::string text = "[";
    for (int i = 0; i < 200; ++i) text += "a,";
    EXPECT_EQ(decode_manifest(text + "]", options).error().problem, "more than 100 values in one file");
    options = {};
    options.yaml.documents = 3;
    EXPECT_EQ(decode_manifest("a\n---\nb\n---\nc\n---\nd\n", options).error().problem, "more than 3 documents");
}

TEST(Decode, WithoutTheChecksOfAnApiServerObjectsComeAsTheyStand) {
    DecodeOptions options;
    options.as_api_server = false;
    const auto decoded = decode_manifest(service_with("{ports: [{port: eighty}]}"), options);
    ASSERT_TRUE(decoded);
    EXPECT_THAT(decoded->faults, IsEmpty());
    const auto& service = std::get<kube::Service>(decoded->objects.at(0).object);
    ASSERT_EQ(service.problems.size(), 1U);
    EXPECT_EQ(service.problems[0].where, "spec.ports[0].port");
}

}  // namespace
}  // namespace steelyard::manifests
