#include "common/config/validate.hpp"

#include <gtest/gtest.h>

namespace steelyard::config {
namespace {

std::string problem_of(const Resource& resource) {
    Problems problems;
    validate(resource, Path{}, problems);
    return problems.empty() ? "" : problems.first().to_string();
}

EndpointSlice slice_of(Endpoint endpoint) { return {"a/b:c", "s", {std::move(endpoint)}}; }

TEST(ConfigValidate, WhatTheModelAllowsPasses) {
    EXPECT_EQ(problem_of(Listener{"l", "0.0.0.0", 0, Protocol::tcp, "a/b:c"}), "");
    EXPECT_EQ(problem_of(Upstream{"a/b:c", Protocol::http, {}, {"a/b:80"}}), "");
    EXPECT_EQ(problem_of(EndpointSlice{"a/b:c", "s", {}}), "");
    EXPECT_EQ(problem_of(slice_of({"::1", 65535, kMaxWeight, "z", "n", EndpointState::draining})), "");
    EXPECT_EQ(problem_of(slice_of({"10.0.0.1", 1, 0, "", "", EndpointState::ready})), "");
}

TEST(ConfigValidate, AnEndpointLivesAtTheAddressOfAHost) {
    for (const char* address : {"", "10.0.0", "10.0.0.256", "fe80::1%eth0", "[::1]", "10.0.0.1 ", "localhost"}) {
        EXPECT_NE(problem_of(slice_of({address, 80, 1, "", "", {}})).find("is not an IP address"), std::string::npos)
            << address;
    }
    for (const char* address : {"0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"}) {
        EXPECT_EQ(problem_of(slice_of({address, 80, 1, "", "", {}})),
                  "endpoints[0].address: '" + std::string(address) + "' is not the address of a host");
    }
    EXPECT_NE(problem_of(slice_of({std::string("10.0.0.1\0", 9), 80, 1, "", "", {}})), "");
}

TEST(ConfigValidate, NumbersOutOfTheirRangeAreNamed) {
    EXPECT_EQ(problem_of(slice_of({"10.0.0.1", 0, 1, "", "", {}})), "endpoints[0].port: 0 is not a port (1-65535)");
    EXPECT_EQ(problem_of(slice_of({"10.0.0.1", 1, 1'000'000'000, "", "", {}})),
              "endpoints[0].weight: 1000000000 is not a weight (0-1000000)");
    Upstream upstream{"u", Protocol::tcp, {}, {}};
    upstream.policy.virtual_nodes = 0;
    EXPECT_EQ(problem_of(upstream), "policy.virtual_nodes: 0 is not a number of virtual nodes (1-1000)");
}

TEST(ConfigValidate, NamesAreVisibleAsciiAndBounded) {
    EXPECT_EQ(problem_of(Upstream{"", Protocol::tcp, {}, {}}), "name: is empty");
    EXPECT_NE(problem_of(Upstream{"a b", Protocol::tcp, {}, {}}), "");
    EXPECT_NE(problem_of(Upstream{std::string(254, 'a'), Protocol::tcp, {}, {}}), "");
    EXPECT_NE(problem_of(Upstream{"caf\xc3\xa9", Protocol::tcp, {}, {}}), "");
    EXPECT_NE(problem_of(Upstream{"a", Protocol::tcp, {}, {"x y"}}), "");
    EXPECT_EQ(problem_of(Upstream{"a", Protocol::tcp, {}, std::vector<std::string>(17, "x")}),
              "aliases: 17 aliases; at most 16 are allowed");
}

TEST(ConfigValidate, AHealthCheckCannotSmuggleARequest) {
    Upstream upstream{"u", Protocol::http, {}, {}};
    auto& check = upstream.policy.health_check.emplace();
    check.path = "/ HTTP/1.1\r\nX: y";
    EXPECT_NE(problem_of(upstream).find("policy.health_check.path: '/ HTTP/1.1??X: y' is not a path"),
              std::string::npos);
    check.path = "/";
    check.host = "a\r\nb";
    EXPECT_NE(problem_of(upstream), "");
}

TEST(ConfigValidate, KeysAreChecked) {
    const auto problem = [](const ResourceKey& key) {
        Problems problems;
        validate(key, Path{}, problems);
        return problems.empty() ? "" : problems.first().to_string();
    };
    EXPECT_EQ(problem({"upstream", "a", ""}), "");
    EXPECT_EQ(problem({"endpoints", "a", ""}), "slice: is empty");
    EXPECT_NE(problem({"secret", "a", ""}), "");
}

}  // namespace
}  // namespace steelyard::config
