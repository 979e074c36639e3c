#include "controller/push/cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/push/codec.hpp"

namespace steelyard::push {
namespace {

using config::Endpoint;
using config::EndpointSlice;
using config::Listener;
using config::Protocol;
using config::ResourceKey;
using config::Upstream;

Upstream upstream(std::string name, std::vector<std::string> aliases = {}) {
    return {std::move(name), Protocol::http, {}, std::move(aliases)};
}
EndpointSlice slice(std::string name, std::string of, uint16_t port = 80) {
    return {std::move(name), std::move(of), {{"10.0.0.1", port, 1, "", "", {}}}};
}
Subscription wants(std::vector<std::string> names, Role role = Role::sidecar,
                   std::vector<std::string> features = {"virtual-ip", "not-invented-yet"}) {
    Hello hello;
    hello.role = role;
    hello.wants = std::move(names);
    hello.features = std::move(features);
    return Subscription::of(hello);
}

// What a frame holds, as sorted words: "+upstream a", "-endpoints a s".
std::vector<std::string> words(const Frame& frame) {
    std::vector<std::string> out;
    if (!frame) return out;
    const auto decoded = decode_from_controller(*frame);
    if (decoded.index() != 0) return {"undecodable: " + std::get<DecodeFailure>(decoded).problems.first().to_string()};
    const auto say = [&](const char* sign, const ResourceKey& key) {
        out.push_back(sign + key.kind + " " + key.name + (key.slice.empty() ? "" : " " + key.slice));
    };
    const auto& message = std::get<0>(decoded);
    if (const auto* snapshot = std::get_if<Snapshot>(&message)) {
        for (const auto& r : snapshot->upsert) say("+", key_of(r));
    } else if (const auto* delta = std::get_if<Delta>(&message)) {
        for (const auto& r : delta->upsert) say("+", key_of(r));
        for (const auto& k : delta->remove) say("-", k);
    }
    std::sort(out.begin(), out.end());
    return out;
}
using Words = std::vector<std::string>;

TEST(PushCache, ASnapshotHoldsWhatIsWantedAndNothingElse) {
    PushCache cache{"e1"};
    cache.publish({{upstream("s/a:http"), slice("s/a:http", "a1"), upstream("s/b:http"), slice("s/b:http", "b1"),
                    Listener{"l", "0.0.0.0", 80, Protocol::http, "s/a:http"}},
                   {}});
    EXPECT_EQ(words(cache.snapshot_for(wants({"s/a:http"}))), (Words{"+endpoints s/a:http a1", "+upstream s/a:http"}));
    EXPECT_EQ(words(cache.snapshot_for(wants({"s/none:http"}))), Words{});
    EXPECT_EQ(words(cache.snapshot_for(wants({"*"}))).size(), 4u);
    EXPECT_EQ(words(cache.snapshot_for(wants({"*"}, Role::edge))).size(), 5u) << "listeners go to the edge";
}

TEST(PushCache, VirtualIpsGoToTheEdgeAndLeaveWithATombstone) {
    PushCache cache{"e1", {1}};
    const config::VirtualIp ip{"s/a", {"192.0.2.7"}, 17};
    cache.publish({{ip, upstream("s/a:http")}, {}});
    EXPECT_EQ(words(cache.snapshot_for(wants({"*"}, Role::edge))), (Words{"+upstream s/a:http", "+virtual_ip s/a"}));
    EXPECT_EQ(words(cache.snapshot_for(wants({"*"}))), Words{"+upstream s/a:http"});
    EXPECT_FALSE(cache.publish({{ip}, {}}).changed);
    EXPECT_EQ(cache.counts().virtual_ips, 1u);
    cache.publish({{}, {key_of(ip)}});
    EXPECT_EQ(words(cache.delta_for(wants({"*"}, Role::edge), 1, "e1.1")), Words{"-virtual_ip s/a"});
    EXPECT_FALSE(cache.relevant_since(wants({"*"}), 1));
    cache.publish({{ip}, {}});
    cache.publish({{}, {key_of(ip), {"upstream", "s/a:http", ""}}});  // two tombstones: the first is forgotten
    EXPECT_EQ(cache.counts().virtual_ips, 0u);
    EXPECT_EQ(cache.known("e1.3"), std::nullopt);
    EXPECT_EQ(words(cache.snapshot_for(wants({"*"}, Role::edge))), Words{});
}

TEST(PushCache, AnEdgeOfBeforeVirtualIpsGetsNeitherThemNorListenersThatItWouldServeToEverybody) {
    PushCache cache{"e1"};
    const auto old_edge = wants({"*"}, Role::edge, {});
    Listener listener{"l", "192.0.2.7", 80, Protocol::http, "s/a:http"};
    cache.publish({{config::VirtualIp{"s/a", {"192.0.2.7"}, 17}, listener}, {}});
    EXPECT_EQ(words(cache.snapshot_for(old_edge)), Words{"+listener l"});
    EXPECT_EQ(words(cache.snapshot_for(wants({"*"}, Role::edge))).size(), 2u);
    listener.source_ranges = {"10.0.0.0/8"};
    cache.publish({{listener}, {}});
    EXPECT_EQ(words(cache.delta_for(old_edge, 1, "e1.1")), Words{"-listener l"});
    EXPECT_EQ(words(cache.delta_for(wants({"*"}, Role::edge), 1, "e1.1")), Words{"+listener l"});
    EXPECT_EQ(words(cache.snapshot_for(old_edge)), Words{});
    cache.publish({{}, {{"virtual_ip", "s/a", ""}, {"listener", "l", ""}}});
    EXPECT_EQ(words(cache.delta_for(old_edge, 2, "e1.2")), Words{"-listener l"}) << "no word of what it does not know";
}

TEST(PushCache, AVirtualIpWithALeaseGoesToWhoKnowsLeases) {
    PushCache cache{"e1"};
    const auto knows = wants({"*"}, Role::edge, {"virtual-ip", "virtual-ip-lease"});
    const auto older = wants({"*"}, Role::edge), oldest = wants({"*"}, Role::edge, {"virtual-ip-lease"});
    config::VirtualIp ip{"s/a", {"192.0.2.7"}, 17};
    cache.publish({{ip}, {}});
    EXPECT_EQ(words(cache.snapshot_for(older)), Words{"+virtual_ip s/a"});
    ip.lease_duration_ms = 5000;
    cache.publish({{ip}, {}});
    EXPECT_EQ(words(cache.delta_for(knows, 1, "e1.1")), Words{"+virtual_ip s/a"});
    EXPECT_EQ(words(cache.delta_for(older, 1, "e1.1")), Words{"-virtual_ip s/a"}) << "it would hold it by VRRP";
    EXPECT_EQ(words(cache.snapshot_for(older)), Words{});
    EXPECT_EQ(words(cache.delta_for(oldest, 1, "e1.1")), Words{}) << "no word of what it does not know";
    EXPECT_EQ(words(cache.snapshot_for(knows)), Words{"+virtual_ip s/a"});
    ip.lease_duration_ms = 0;
    cache.publish({{ip}, {}});
    EXPECT_EQ(words(cache.delta_for(older, 2, "e1.2")), Words{"+virtual_ip s/a"});
}

TEST(PushCache, ADeltaHoldsEachChangeOnceHoweverOftenItChanged) {
    PushCache cache{"e1"};
    cache.publish({{upstream("s/a:http"), slice("s/a:http", "a1"), slice("s/a:http", "a2")}, {}});
    const uint64_t base = cache.counter();
    for (uint16_t port = 1; port <= 100; ++port) cache.publish({{slice("s/a:http", "a1", port)}, {}});
    cache.publish({{}, {{"endpoints", "s/a:http", "a2"}}});
    EXPECT_EQ(cache.counter(), base + 101);
    EXPECT_EQ(words(cache.delta_for(wants({"*"}), base, "e1.1")),
              (Words{"+endpoints s/a:http a1", "-endpoints s/a:http a2"}));
    EXPECT_EQ(cache.delta_for(wants({"*"}), cache.counter(), "x"), nullptr);
}

TEST(PushCache, WhatIsEqualMakesNoVersion) {
    PushCache cache{"e1"};
    EXPECT_TRUE(cache.publish({{upstream("s/a:http", {"s/a:80"}), slice("s/a:http", "a1")}, {}}).changed);
    EXPECT_FALSE(cache.publish({{upstream("s/a:http", {"s/a:80", "s/a:80"}), slice("s/a:http", "a1")}, {}}).changed);
    EXPECT_FALSE(cache.publish({{}, {{"upstream", "s/b:http", ""}, {"endpoints", "s/a:http", "zz"}}}).changed);
    EXPECT_EQ(cache.version().to_string(), "e1.1");
}

TEST(PushCache, WhatAnotherProxyWantsIsNotRelevant) {
    PushCache cache{"e1"};
    cache.publish({{upstream("s/a:http"), upstream("s/b:http")}, {}});
    cache.publish({{slice("s/b:http", "b1")}, {}});
    EXPECT_FALSE(cache.relevant_since(wants({"s/a:http"}), 1));
    EXPECT_TRUE(cache.relevant_since(wants({"s/b:http"}), 1));
    EXPECT_EQ(cache.delta_for(wants({"s/a:http"}), 1, "e1.1"), nullptr);
}

TEST(PushCache, AnAliasFindsTheUpstreamAlsoWhenItComesAfterItsSlices) {
    PushCache cache{"e1"};
    const auto by_port = wants({"s/a:80"});
    cache.publish({{slice("s/a:http", "a1")}, {}});
    EXPECT_EQ(words(cache.snapshot_for(by_port)), Words{});
    cache.publish({{upstream("s/a:http", {"s/a:80"})}, {}});
    EXPECT_EQ(words(cache.delta_for(by_port, 1, "e1.1")), (Words{"+endpoints s/a:http a1", "+upstream s/a:http"}));
    EXPECT_EQ(words(cache.snapshot_for(by_port)), (Words{"+endpoints s/a:http a1", "+upstream s/a:http"}));
}

TEST(PushCache, AnAliasThatMovesTakesItsProxiesAlong) {
    PushCache cache{"e1"};
    const auto by_port = wants({"s/a:80"});
    cache.publish({{upstream("s/a:http", {"s/a:80"}), slice("s/a:http", "a1")}, {}});
    cache.publish({{upstream("s/a:http"), upstream("s/a:web", {"s/a:80"}), slice("s/a:web", "w1")}, {}});
    EXPECT_EQ(words(cache.delta_for(by_port, 1, "e1.1")),
              (Words{"+endpoints s/a:web w1", "+upstream s/a:web", "-endpoints s/a:http a1", "-upstream s/a:http"}));
    EXPECT_EQ(words(cache.delta_for(wants({"s/a:http"}), 1, "e1.1")),
              (Words{"+endpoints s/a:http a1", "+upstream s/a:http"}));
}

TEST(PushCache, RemovingAnUpstreamReachesThoseWhoKnewItByAlias) {
    PushCache cache{"e1"};
    const auto by_port = wants({"s/a:80"});
    cache.publish({{upstream("s/a:http", {"s/a:80"}), slice("s/a:http", "a1")}, {}});
    cache.publish({{}, {{"endpoints", "s/a:http", "a1"}, {"upstream", "s/a:http", ""}}});
    EXPECT_EQ(words(cache.delta_for(by_port, 1, "e1.1")), (Words{"-endpoints s/a:http a1", "-upstream s/a:http"}));
    cache.publish({{upstream("s/a:http", {"s/a:80"}), slice("s/a:http", "a1")}, {}});
    EXPECT_EQ(words(cache.delta_for(by_port, 2, "e1.2")), (Words{"+endpoints s/a:http a1", "+upstream s/a:http"}));
    EXPECT_EQ(words(cache.delta_for(by_port, 1, "e1.1")), (Words{"+endpoints s/a:http a1", "+upstream s/a:http"}));
}

TEST(PushCache, TombstonesAreBoundedAndOlderBasesNeedASnapshot) {
    PushCache cache{"e1", {.max_tombstones = 3}};
    for (int i = 0; i < 5; ++i) cache.publish({{upstream("s/u" + std::to_string(i) + ":http")}, {}});
    for (int i = 0; i < 5; ++i) cache.publish({{}, {{"upstream", "s/u" + std::to_string(i) + ":http", ""}}});
    EXPECT_EQ(cache.counts().tombstones, 3u);
    EXPECT_FALSE(cache.reaches_back_to(6)) << "u1 was removed in 7 and is forgotten";
    EXPECT_TRUE(cache.reaches_back_to(7));
    EXPECT_FALSE(cache.known("e1.6"));
    EXPECT_EQ(cache.known("e1.7"), 7u);
    EXPECT_EQ(words(cache.delta_for(wants({"*"}), 7, "e1.7")),
              (Words{"-upstream s/u2:http", "-upstream s/u3:http", "-upstream s/u4:http"}));
}

TEST(PushCache, ForeignVersionsAreNotKnown) {
    PushCache cache{"e1"};
    cache.publish({{upstream("s/a:http")}, {}});
    EXPECT_EQ(cache.known("e1.1"), 1u);
    for (const char* foreign : {"", "e1", "e2.1", "e1.2", "file", "e1.x"})
        EXPECT_FALSE(cache.known(foreign)) << foreign;
}

TEST(PushCache, AResourceThatBreaksALimitIsLeftOutAndSaid) {
    PushCache cache{"e1"};
    cache.publish({{slice("s/a:http", "a1", 80)}, {}});
    const auto published = cache.publish({{slice("s/a:http", "a1", 0), upstream("s/b:http")}, {}});
    ASSERT_EQ(published.refused.size(), 1u);
    EXPECT_EQ(published.refused[0].to_string(),
              "endpoints s/a:http slice a1: endpoints[0].port: 0 is not a port (1-65535); it is not pushed, the last "
              "good one "
              "stays");
    EXPECT_EQ(words(cache.snapshot_for(wants({"*"}))), (Words{"+endpoints s/a:http a1", "+upstream s/b:http"}));
}

TEST(PushCache, AnUpstreamHasAtMostAHundredThousandEndpoints) {
    PushCache cache{"e1"};
    const std::vector<Endpoint> full(config::kMaxEndpointsPerSlice, Endpoint{"10.0.0.1", 80, 1, "", "", {}});
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(cache.publish({{EndpointSlice{"s/a:http", std::to_string(i), full}}, {}}).refused.empty());
    }
    EXPECT_EQ(cache.publish({{slice("s/a:http", "one-more")}, {}}).refused.size(), 1u);
    EXPECT_EQ(cache.publish({{slice("s/a:http", "0")}, {}}).refused.size(), 0u)
        << "a smaller slice in the place of a full one";
    EXPECT_EQ(cache.counts().endpoints, 99'001u);
}

TEST(PushCache, TheSameFrameIsEncodedOnceWhileSomebodyHoldsIt) {
    PushCache cache{"e1"};
    cache.publish({{upstream("s/a:http")}, {}});
    const auto first = cache.snapshot_for(wants({"*"}));
    EXPECT_EQ(cache.snapshot_for(wants({"*"})), first);
    EXPECT_NE(cache.snapshot_for(wants({"*"}, Role::edge)), first);
    EXPECT_EQ(cache.counts().encoded_frames, 2u);
    EXPECT_EQ(cache.counts().shared_frames, 1u);
    std::weak_ptr<const std::string> watched = cache.delta_for(wants({"*"}), 0, "e1.0");
    EXPECT_TRUE(watched.expired()) << "the cache itself holds no frame";
}

}  // namespace
}  // namespace steelyard::push
