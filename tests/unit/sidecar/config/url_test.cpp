#include "sidecar/config/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sidecar/config/backoff.hpp"

namespace steelyard::config {
namespace {

TEST(ControllerUrlTest, WhatIsLeftOutHasItsDefault) {
    const std::pair<const char*, const char*> cases[] = {
        {"ws://steelyard-controller", "ws://steelyard-controller:9443/push"},
        {"ws://10.0.0.1:1234/", "ws://10.0.0.1:1234/push"},
        {"ws://[fd00::1]:1/x/y", "ws://[fd00::1]:1/x/y"},
        {"ws://[fd00::1]", "ws://[fd00::1]:9443/push"},
        {"wss://steelyard-controller.sys.svc", "wss://steelyard-controller.sys.svc:9443/push"},
        {"wss://[fd00::1]:1/", "wss://[fd00::1]:1/push"},
    };
    for (const auto& [text, full] : cases) {
        const auto url = parse_controller_url(text);
        ASSERT_TRUE(url) << url.error().to_string();
        EXPECT_EQ(url->to_string(), full);
    }
}

TEST(ControllerUrlTest, WhatIsWrongIsSaid) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "does not begin with wss:// or ws://"},
        {"http://x", "does not begin with wss:// or ws://"},
        {"wss://", "it has no host"},
        {"wss:/x", "does not begin with wss:// or ws://"},
        {"ws://", "it has no host"},
        {"ws://:80", "it has no host"},
        {"ws://x:", "'' is not a port (1-65535)"},
        {"ws://x:0", "'0' is not a port (1-65535)"},
        {"ws://x:65536", "'65536' is not a port (1-65535)"},
        {"ws://x:80a", "'80a' is not a port (1-65535)"},
        {"ws://u:p@x", "credentials"},
        {"ws://[::1", "has no ]"},
        {"ws://[x]:1", "'x' is not an IPv6 address"},
        {"ws://x/a?b", "path is not plain"},
        {"ws://a b", "it has no host"},
    };
    for (const auto& [text, problem] : cases) {
        const auto url = parse_controller_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_THAT(url.error().to_string(), ::testing::HasSubstr(problem));
        EXPECT_EQ(url.error().where, "--controller");
    }
}

TEST(BackoffTest, ItGrowsToItsCapAndIsSpreadOverTheWholeOfIt) {
    Backoff backoff{Milliseconds{100}, Milliseconds{5000}};
    for (const int ceiling : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
        Backoff copy = backoff;
        EXPECT_EQ(copy.next(static_cast<uint64_t>(ceiling)).count(), ceiling);
        EXPECT_EQ(backoff.next(0).count(), 10) << "never at once";
    }
    backoff.reset();
    EXPECT_EQ(backoff.next(101).count(), 10) << "the range begins anew";
}

}  // namespace
}  // namespace steelyard::config
