#include "sidecar/upstream/snapshot.hpp"

#include <gtest/gtest.h>

namespace steelyard {
namespace {

config::Upstream upstream(std::string name = "shop/web:http") {
    config::Upstream result;
    result.name = std::move(name);
    return result;
}

config::Endpoint endpoint(std::string address, uint16_t port, uint32_t weight = 1,
                          config::EndpointState state = config::EndpointState::ready) {
    return {.address = std::move(address), .port = port, .weight = weight, .zone = {}, .node = {}, .state = state};
}

constexpr auto kDraining = config::EndpointState::draining;

TEST(Snapshot, IsTheUnionOfTheSlices) {
    HostRegistry registry;
    const config::EndpointSlice a{"shop/web:http", "a", {endpoint("10.0.0.1", 80, 3), endpoint("fd00::1", 80)}};
    const config::EndpointSlice b{"shop/web:http", "b", {endpoint("10.0.0.1", 81)}};
    const auto snapshot = build_snapshot(upstream(), {&a, &b}, registry, nullptr);
    ASSERT_EQ(snapshot->hosts.size(), 3U);
    EXPECT_EQ(snapshot->hosts[0].host->id(), "10.0.0.1:80");
    EXPECT_EQ(snapshot->hosts[0].weight, 3U);
    EXPECT_EQ(snapshot->hosts[1].host->id(), "[fd00::1]:80");
    EXPECT_EQ(snapshot->hosts[2].host->id(), "10.0.0.1:81");
    for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(snapshot->index.at(snapshot->hosts[i].host.get()), i);
}

TEST(Snapshot, AnEndpointInTwoSlicesCountsOnceAndReadyWins) {
    HostRegistry registry;
    const config::EndpointSlice a{
        "shop/web:http", "a", {endpoint("10.0.0.1", 80, 2, kDraining), endpoint("10.0.0.2", 80, 4)}};
    const config::EndpointSlice b{
        "shop/web:http", "b", {endpoint("10.0.0.1", 80, 3), endpoint("10.0.0.2", 80, 5, kDraining)}};
    const auto snapshot = build_snapshot(upstream(), {&a, &b}, registry, nullptr);
    ASSERT_EQ(snapshot->hosts.size(), 2U);
    EXPECT_FALSE(snapshot->hosts[0].draining);
    EXPECT_EQ(snapshot->hosts[0].weight, 3U);
    EXPECT_FALSE(snapshot->hosts[1].draining);
    EXPECT_EQ(snapshot->hosts[1].weight, 4U);
}

TEST(Snapshot, WhatIsNoAddressIsLeftOut) {
    HostRegistry registry;
    const config::EndpointSlice a{"shop/web:http", "a", {endpoint("web.example", 80), endpoint("10.0.0.1", 80)}};
    EXPECT_EQ(build_snapshot(upstream(), {&a}, registry, nullptr)->hosts.size(), 1U);
}

TEST(Snapshot, AHostKeepsItsIdentityOverVersionsAndIsAnotherForAnotherUpstream) {
    HostRegistry registry;
    const config::EndpointSlice a{"shop/web:http", "a", {endpoint("10.0.0.1", 80)}};
    const auto first = build_snapshot(upstream(), {&a}, registry, nullptr);
    const auto second = build_snapshot(upstream(), {&a}, registry, nullptr);
    EXPECT_EQ(first->hosts[0].host, second->hosts[0].host);
    const auto other = build_snapshot(upstream("shop/api:http"), {&a}, registry, nullptr);
    EXPECT_NE(first->hosts[0].host, other->hosts[0].host);
}

TEST(Snapshot, HostsThatNobodyHoldsAreForgotten) {
    HostRegistry registry;
    const config::EndpointSlice a{"shop/web:http", "a", {endpoint("10.0.0.1", 80), endpoint("10.0.0.2", 80)}};
    auto snapshot = build_snapshot(upstream(), {&a}, registry, nullptr);
    auto held = snapshot->hosts[0].host;
    snapshot.reset();
    registry.sweep();
    EXPECT_EQ(registry.size(), 1U);
    held.reset();
    registry.sweep();
    EXPECT_EQ(registry.size(), 0U);
}

TEST(Snapshot, TheAuthorityIsTheServicesNameInTheCluster) {
    HostRegistry registry;
    for (const auto& [name, authority] : {std::pair("shop/web:http", "web.shop"), std::pair("shop/web", "web.shop"),
                                          std::pair("web:80", "web"), std::pair("web", "web")}) {
        EXPECT_EQ(build_snapshot(upstream(name), {}, registry, nullptr)->authority, authority);
    }
}

}  // namespace
}  // namespace steelyard
