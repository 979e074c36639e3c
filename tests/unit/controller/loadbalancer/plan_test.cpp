#include "controller/loadbalancer/plan.hpp"

#include <gtest/gtest.h>

#include "controller/kube/client.hpp"
#include "tests/unit/controller/loadbalancer/api.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;

// Writes until there is nothing left; gives the targets in order.
std::vector<std::string> bring(json& object, const Wanted& wanted) {
    std::vector<std::string> targets;
    for (int i = 0; i < 10; ++i) {
        const auto write = next_write(object.dump(), wanted);
        if (!write) return targets;
        targets.push_back(write->target);
        EXPECT_TRUE(apply(object, write->body, write->content)) << write->body;
    }
    ADD_FAILURE() << "there is no end";
    return targets;
}

const std::string kService = "/api/v1/namespaces/shop/services/web";

TEST(Plan, TheFinalizerIsThereBeforeTheAddress) {
    json web = balanced_service();
    const Wanted wanted{"0b", {"192.0.2.7", "2001:db8::7"}, 17};
    const auto first = next_write(web.dump(), wanted);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->content, kube::kStrategicMergePatch);
    EXPECT_EQ(bring(web, wanted), (std::vector<std::string>{kService, kService + "/status"}));
    EXPECT_EQ(web["metadata"]["finalizers"], json::array({"steelyard.dev/vip"}));
    EXPECT_EQ(web["metadata"]["annotations"]["steelyard.dev/virtual-router-id"], "17");
    EXPECT_EQ(web["status"]["loadBalancer"]["ingress"],
              json::parse(R"([{"ip": "192.0.2.7", "ipMode": "Proxy"}, {"ip": "2001:db8::7", "ipMode": "Proxy"}])"));
    EXPECT_FALSE(next_write(web.dump(), wanted));
}

TEST(Plan, TheFinalizerGoesAfterTheLastAddress) {
    json web = balanced_service();
    web["metadata"]["finalizers"] = {"example.com/other"};
    bring(web, {"0b", {"192.0.2.7"}, 17});
    EXPECT_EQ(bring(web, {"0b", {}, 0}), (std::vector<std::string>{kService + "/status", kService}));
    EXPECT_EQ(web["metadata"]["finalizers"], json::array({"example.com/other"}));
    EXPECT_FALSE(web["metadata"]["annotations"].contains("steelyard.dev/virtual-router-id"));
    EXPECT_TRUE(web["status"]["loadBalancer"]["ingress"].empty());
    web["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z";
    EXPECT_TRUE(bring(web, {"0b", {}, 0}).empty()) << "without our finalizer nothing is ours to take away";
}

TEST(Plan, EntriesOfOthersStayAsTheyAre) {
    json web = balanced_service();
    const json others = json::parse(
        R"([{"ip": "203.0.113.9", "ports": [{"port": 80, "protocol": "TCP"}]}, {"hostname": "lb.example", "ipMode": "VIP"}])");
    web["status"]["loadBalancer"]["ingress"] = others;
    bring(web, {"0b", {"192.0.2.7"}, 17});
    EXPECT_EQ(web["status"]["loadBalancer"]["ingress"].size(), 3U);
    bring(web, {"0b", {"192.0.2.8"}, 17});
    EXPECT_EQ(web["status"]["loadBalancer"]["ingress"][2]["ip"], "192.0.2.8");
    bring(web, {"0b", {}, 0});
    EXPECT_EQ(web["status"]["loadBalancer"]["ingress"], others);
}

TEST(Plan, AServiceThatIsAnotherOrOnItsWayOutIsLeftAlone) {
    json web = balanced_service();
    EXPECT_FALSE(next_write(web.dump(), {"another", {"192.0.2.7"}, 17}));
    json going = web;
    going["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z";
    EXPECT_FALSE(next_write(going.dump(), {"0b", {"192.0.2.7"}, 17})) << "no finalizer may be added any more";
    json plain = web;
    plain["spec"]["type"] = "ClusterIP";
    EXPECT_FALSE(next_write(plain.dump(), {"0b", {"192.0.2.7"}, 17}));
    for (const char* text : {"", "[]", "{}", R"({"metadata": 5})", R"({"metadata": {"name": "web", "uid": 7}})"})
        EXPECT_FALSE(next_write(text, {"0b", {"192.0.2.7"}, 17})) << text;
}

TEST(Plan, WhatIsOddInAServiceIsReadAsAbsent) {
    json web = balanced_service();
    web["metadata"]["annotations"] = {{"steelyard.dev/virtual-router-id", "seven"}};
    web["status"]["loadBalancer"]["ingress"] =
        json::parse(R"([5, {"ip": 7, "ipMode": "Proxy"}, {"ip": "192.0.2.9", "ipMode": "Proxy"}])");
    bring(web, {"0b", {"192.0.2.7"}, 17});
    EXPECT_EQ(web["metadata"]["annotations"]["steelyard.dev/virtual-router-id"], "17");
    EXPECT_EQ(web["status"]["loadBalancer"]["ingress"].back()["ip"], "192.0.2.7");
}

TEST(Plan, AServiceThatNestsTooDeepIsLeftAlone) {
    const std::string deep = R"({"metadata":{"name":"web","uid":"0b"},"spec":{"type":"LoadBalancer"},"status":{)"
                             R"("loadBalancer":{"ingress":[)" +
                             std::string(200'000, '[') + std::string(200'000, ']') + "]}}}";
    EXPECT_FALSE(next_write(deep, {"0b", {"192.0.2.7"}, 17}));
}

}  // namespace
}  // namespace steelyard::loadbalancer
