#include "sidecar/edge/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace steelyard::edge {
namespace {

using config::VirtualIp;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

config::VirtualIps ips_of(std::vector<VirtualIp> list) {
    config::VirtualIps ips;
    for (auto& ip : list) ips[ip.name] = std::make_shared<const VirtualIp>(ip);
    return ips;
}

Plan plan_of(std::vector<VirtualIp> list, bool draining = false, Standing standing = Standing::sound) {
    return make_plan(ips_of(std::move(list)), "node-1", draining, [=](const VirtualIp&) { return standing; });
}

// Nodes of several versions must agree: these do not change.
TEST(EdgePriority, IsPinned) {
    const std::map<std::pair<std::string, int>, int> pinned{{{"node-1", 1}, 241},
                                                            {{"node-1", 2}, 194},
                                                            {{"node-2", 1}, 241},
                                                            {{"worker-17.example", 255}, 204},
                                                            {{"", 1}, 148}};
    for (const auto& [key, priority] : pinned) {
        EXPECT_EQ(priority_of(key.first, static_cast<uint8_t>(key.second)), priority) << key.first << " " << key.second;
    }
}

TEST(EdgePriority, SpreadsRoutersOverNodesAndMovesFewWhenOneGoes) {
    const std::vector<std::string> nodes{"node-a", "node-b", "node-c", "node-d"};
    const auto best_of = [](const std::vector<std::string>& among, int id) {
        std::string best;
        int most = 0;
        for (const auto& node : among) {
            const int priority = priority_of(node, static_cast<uint8_t>(id));
            EXPECT_GE(priority, 128);
            EXPECT_LE(priority, 247);
            if (priority > most) best = node;
            most = std::max(most, priority);
        }
        return best;
    };
    std::map<std::string, int> held;
    for (int id = 1; id <= 255; ++id) {
        const std::string best = best_of(nodes, id);
        ++held[best];
        if (best != "node-d") {
            EXPECT_EQ(best_of({nodes.begin(), nodes.end() - 1}, id), best);
        }
    }
    for (const auto& node : nodes) EXPECT_GT(held[node], 35) << node;
}

TEST(EdgePlan, IsOneRouterForEachIdAndFamily) {
    VirtualIp ip{"s/a", {"2001:db8::7", "192.0.2.7"}, 17};
    ip.interfaces = {"eth*"};
    ip.advertisement_interval_ms = 50;
    ip.preempt_delay_ms = 2000;
    ip.preempt = false;
    ip.accept = false;
    ip.peers = {"10.0.0.2", "10.0.0.1", "fd00::1"};
    const Plan plan = plan_of({ip});
    ASSERT_EQ(plan.config.routers.size(), 2U);
    const vip::Router& v4 = plan.config.routers[0];
    EXPECT_EQ(v4.id, 17);
    EXPECT_EQ(v4.family, vip::Family::ipv4);
    EXPECT_THAT(v4.addresses, ElementsAre(*vip::Prefix::parse("192.0.2.7/32")));
    EXPECT_THAT(v4.interfaces, ElementsAre("eth*"));
    EXPECT_EQ(v4.priority, priority_of("node-1", 17));
    EXPECT_EQ(v4.advertisement_interval, Milliseconds{50});
    EXPECT_EQ(v4.preempt_delay, Milliseconds{2000});
    EXPECT_FALSE(v4.preempt || v4.accept);
    EXPECT_THAT(v4.peers, ElementsAre(*vip::Ip::parse("10.0.0.1"), *vip::Ip::parse("10.0.0.2")));
    EXPECT_THAT(plan.config.routers[1].addresses, ElementsAre(*vip::Prefix::parse("2001:db8::7/128")));
    EXPECT_TRUE(vip::decode_config(vip::encode_config(plan.config), "plan"));
}

TEST(EdgePlan, MergesWhatSharesARouter) {
    VirtualIp second{"s/b", {"192.0.2.9", "192.0.2.7"}, 17};
    second.advertisement_interval_ms = 1000;
    const Plan plan = plan_of({second, {"s/a", {"192.0.2.8", "192.0.2.7"}, 17}});
    ASSERT_EQ(plan.config.routers.size(), 1U);
    EXPECT_THAT(plan.config.routers[0].addresses,
                ElementsAre(*vip::Prefix::parse("192.0.2.7"), *vip::Prefix::parse("192.0.2.8"),
                            *vip::Prefix::parse("192.0.2.9")));
    EXPECT_EQ(plan.config.routers[0].advertisement_interval, Milliseconds{100}) << "of the first by name";
    EXPECT_TRUE(plan.problems.empty());
}

TEST(EdgePlan, LeavesOutWhatThisNodeIsNotFitFor) {
    const auto ips = ips_of({{"s/a", {"192.0.2.7"}, 1}, {"s/b", {"192.0.2.8"}, 1}, {"s/c", {"192.0.2.9"}, 2}});
    const auto fit = [](const std::string& name) {
        return [name](const VirtualIp& ip) { return ip.name == name ? Standing::sound : Standing::unfit; };
    };
    const Plan plan = make_plan(ips, "node-1", false, fit("s/b"));
    ASSERT_EQ(plan.config.routers.size(), 1U) << "one of the router's is enough";
    EXPECT_EQ(plan.config.routers[0].addresses.size(), 2U);
    EXPECT_TRUE(plan_of({{"s/a", {"192.0.2.7"}, 1}}, false, Standing::unfit).config.routers.empty());
}

TEST(EdgePlan, AnImpairedNodeIsWorseThanAnySoundOneAndADrainingOneWorst) {
    const uint8_t sound = plan_of({{"s/a", {"192.0.2.7"}, 1}}).config.routers[0].priority;
    const uint8_t impaired = plan_of({{"s/a", {"192.0.2.7"}, 1}}, false, Standing::impaired).config.routers[0].priority;
    EXPECT_EQ(impaired, sound - 127);
    EXPECT_LT(impaired, 128);
    EXPECT_EQ(plan_of({{"s/a", {"192.0.2.7"}, 1}}, true).config.routers[0].priority, 1);
}

TEST(EdgePlan, SaysWhatItLeavesOut) {
    const Plan twice = plan_of({{"s/a", {"192.0.2.7"}, 1}, {"s/b", {"192.0.2.7", "192.0.2.8"}, 2}});
    ASSERT_EQ(twice.problems.size(), 1U);
    EXPECT_THAT(twice.problems[0], HasSubstr("virtual IP s/b: address 192.0.2.7 belongs to router 1 already"));
    EXPECT_EQ(twice.config.routers[1].addresses.size(), 1U);
    const Plan loopback = plan_of({{"s/a", {"127.0.0.1"}, 1}});
    EXPECT_TRUE(loopback.config.routers.empty());
    EXPECT_EQ(loopback.problems.size(), 1U);
    VirtualIp unicast{"s/a", {"2001:db8::7"}, 1};
    unicast.peers = {"10.0.0.2"};
    EXPECT_TRUE(plan_of({unicast}).config.routers.empty()) << "never multicast where unicast was asked for";
    std::vector<VirtualIp> many;
    for (int i = 1; i <= 70; ++i) many.push_back({"s/" + std::to_string(i), {"192.0.2." + std::to_string(i)}, 1});
    const Plan full = plan_of(many);
    EXPECT_EQ(full.config.routers[0].addresses.size(), 64U);
    EXPECT_EQ(full.problems.size(), 6U);
    EXPECT_TRUE(vip::decode_config(vip::encode_config(full.config), "plan"));
}

TEST(EdgePlan, AVirtualIpWithALeaseIsClaimedAndSendsNothing) {
    VirtualIp ip{"s/a", {"192.0.2.7", "2001:db8::7"}, 17};
    ip.lease_duration_ms = 2000;
    ip.peers = {"10.0.0.2"};
    ip.preempt = false;
    ip.preempt_delay_ms = 3000;
    const auto plan = plan_of({ip, VirtualIp{"s/b", {"192.0.2.8"}, 18}});
    ASSERT_EQ(plan.config.routers.size(), 3U);
    EXPECT_EQ(plan.config.routers[0].lease_until_ms, 0U);
    EXPECT_EQ(plan.config.routers[1].lease_until_ms, 0U);
    EXPECT_TRUE(plan.config.routers[0].peers.empty());
    EXPECT_FALSE(plan.config.routers[2].by_lease());
    EXPECT_THAT(plan.leases,
                ElementsAre(LeaseWant{17, priority_of("node-1", 17), Milliseconds{2000}, false, Milliseconds{3000}}));
    const auto worse = plan_of({ip}, false, Standing::impaired);
    EXPECT_EQ(worse.leases.at(0).priority, priority_of("node-1", 17) - 127);
    EXPECT_TRUE(plan_of({ip}, true).leases.empty()) << "draining: another is to have it";
    EXPECT_EQ(plan_of({ip}, true).config.routers.size(), 2U);
    EXPECT_TRUE(plan_of({ip}, false, Standing::unfit).leases.empty());
}

}  // namespace
}  // namespace steelyard::edge
