// One face for both machines.
#include "sidecar/vip/lease/elector.hpp"

#include <gtest/gtest.h>

namespace steelyard::vip {
namespace {

TimePoint at(int64_t ms) { return TimePoint{} + std::chrono::hours{1} + Milliseconds{ms}; }

Elector running(bool by_lease) {
    Elector elector(by_lease, {});
    elector.set_ready(true, at(0));
    elector.set_link(true, at(0));
    elector.start(at(0));
    return elector;
}

TEST(Elector, WithVrrpSilenceMakesAMaster) {
    auto elector = running(false);
    EXPECT_EQ(elector.lease(), nullptr);
    EXPECT_TRUE(elector.ready() && elector.link());
    EXPECT_EQ(elector.state(), State::backup);
    elector.on_advert({17, 200, Milliseconds{100}, {}}, *Ip::parse("10.0.0.2"), at(10));
    ASSERT_NE(elector.master_address(), nullptr);
    EXPECT_EQ(elector.master_address()->to_string(), "10.0.0.2");
    EXPECT_TRUE(elector.on_timer(elector.deadline()).send_advert);
    EXPECT_EQ(elector.state(), State::master);
    EXPECT_EQ(elector.stats().became_master, 1U);
}

TEST(Elector, WithALeaseNoAdvertCounts) {
    auto elector = running(true);
    ASSERT_NE(elector.lease(), nullptr);
    EXPECT_EQ(elector.deadline(), TimePoint::max());
    EXPECT_TRUE(elector.on_advert({17, 200, Milliseconds{100}, {}}, *Ip::parse("10.0.0.2"), at(10)).nothing());
    EXPECT_EQ(elector.master_address(), nullptr);
    elector.lease()->set_lease(at(1000), at(20));
    EXPECT_EQ(elector.state(), State::master);
    EXPECT_FALSE(elector.stop(at(30)).send_advert);
}

}  // namespace
}  // namespace steelyard::vip
