#include "tests/unit/sidecar/edge/agent_test.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace steelyard::edge {
namespace {

namespace fs = std::filesystem;
using config::EndpointSlice;
using config::Listener;
using config::Protocol;
using config::Upstream;
using config::VirtualIp;
using ::testing::HasSubstr;

class EdgeAgentTest : public AgentTest {
protected:
    std::vector<vip::Router> routers() const {
        const auto config = written();
        return config ? config->routers : std::vector<vip::Router>{};
    }
    void say(vip::RouterState state, TimePoint when, const std::string& problem = "") {
        write_state({state}, when, problem);
    }
};

EndpointSlice slice_on(const std::string& node, config::EndpointState state = {}) {
    return {"s/a:http", "1", {{"10.0.0.1", 80, 1, "a", node, state}}};
}

TEST_F(EdgeAgentTest, WritesWhatThisNodeShouldDoWheneverThatChanges) {
    agent_->refresh(now_);
    EXPECT_FALSE(fs::exists(config_file())) << "nothing is known yet: what is done goes on";
    apply({VirtualIp{"s/a", {"192.0.2.7"}, 17}});
    ASSERT_EQ(routers().size(), 1U);
    EXPECT_EQ(routers()[0].priority, priority_of("n1", 17));
    agent_->refresh(now_);
    EXPECT_EQ(agent_->stats().config_writes, 1U) << "the same is not written twice";
    agent_->set_draining(true);
    agent_->tick(now_ + Milliseconds{999});
    EXPECT_NE(routers()[0].priority, 1);
    agent_->tick(now_ + Milliseconds{1000});
    EXPECT_EQ(routers()[0].priority, 1);
    apply({});
    EXPECT_TRUE(routers().empty());
}

TEST_F(EdgeAgentTest, HoldsNothingOfOtherNodes) {
    VirtualIp ip{"s/a", {"192.0.2.7"}, 17};
    ip.nodes = {"n2"};
    apply({ip});
    EXPECT_TRUE(routers().empty());
    ip.nodes = {"n2", "n1"};
    apply({ip});
    EXPECT_EQ(routers().size(), 1U);
}

TEST_F(EdgeAgentTest, WithoutAReadyEndpointHereItTakesNoPart) {
    VirtualIp ip{"s/a", {"192.0.2.7"}, 17};
    ip.local_upstreams = {"s/a:http"};
    const Upstream upstream{"s/a:http", Protocol::http, {}};
    apply({ip, upstream, slice_on("n2")});
    EXPECT_TRUE(routers().empty());
    apply({ip, upstream, slice_on("n1")});
    EXPECT_EQ(routers().size(), 1U) << "also when no listener uses the upstream";
    apply({ip, upstream, slice_on("n1", config::EndpointState::draining)});
    EXPECT_TRUE(routers().empty());
}

TEST_F(EdgeAgentTest, AnEndpointThatIsDownIsNone) {
    VirtualIp ip{"s/a", {"127.0.0.1"}, 17};
    ip.addresses = {"192.0.2.7"};
    ip.local_upstreams = {"s/a:http"};
    Listener listener{"l", "192.0.2.7", 18'080, Protocol::tcp, "s/a:http", {}, true};
    apply({ip, Upstream{"s/a:http", Protocol::http, {}}, slice_on("n1"), listener});
    EXPECT_EQ(routers().size(), 1U);
    runtime_.upstreams().at("s/a:http")->hosts.at(0).host->health = Health::down;
    agent_->refresh(now_);
    EXPECT_TRUE(routers().empty());
}

TEST_F(EdgeAgentTest, AListenerThatCannotBeOpenedMakesTheNodeWorseThanOthers) {
    const VirtualIp ip{"s/a", {"192.0.2.7"}, 17};
    Listener first{"l1", "192.0.2.7", 18'081, Protocol::tcp, "s/a:http"};
    Listener second = first;
    second.name = "l2";
    apply({ip, Upstream{"s/a:http", Protocol::http, {}}, first, second});
    ASSERT_EQ(runtime_.failed_listeners().size(), 1U);
    EXPECT_THAT(runtime_.failed_listeners().begin()->second.problem, HasSubstr("has this port"));
    EXPECT_EQ(routers().at(0).priority, priority_of("n1", 17) - 127);
    apply({ip, Upstream{"s/a:http", Protocol::http, {}}, second});
    EXPECT_TRUE(runtime_.failed_listeners().empty());
    EXPECT_EQ(routers().at(0).priority, priority_of("n1", 17));
}

TEST_F(EdgeAgentTest, TellsWhatSteelyardVipDoes) {
    agent_->refresh(now_);
    EXPECT_EQ(told_, 0);
    EXPECT_TRUE(agent_->stats().silent);
    say(vip::RouterState::master, now_);
    agent_->refresh(now_);
    ASSERT_EQ(reports_.size(), 1U);
    EXPECT_EQ(reports_[0].state, push::VirtualIpState::master);
    EXPECT_EQ(reports_[0].addresses, std::vector<std::string>{"192.0.2.7"});
    EXPECT_FALSE(agent_->stats().silent);
    say(vip::RouterState::master, now_ + Milliseconds{1000});
    agent_->refresh(now_ + Milliseconds{1000});
    EXPECT_EQ(told_, 1) << "a sign of life is no news";
    agent_->refresh(now_ + Milliseconds{7000});
    EXPECT_EQ(told_, 2);
    EXPECT_EQ(reports_[0].state, push::VirtualIpState::fault);
    EXPECT_THAT(reports_[0].problem, HasSubstr("has not been heard of"));
    say(vip::RouterState::backup, now_ + Milliseconds{7000});
    agent_->tick(now_ + Milliseconds{7000});
    EXPECT_EQ(reports_[0].state, push::VirtualIpState::backup);
}

TEST_F(EdgeAgentTest, ABadStateFileIsPassedOver) {
    say(vip::RouterState::master, now_);
    agent_->refresh(now_);
    for (const char* bad : {"", "{", "[]", "{\"format\":2}", "{\"format\":1,\"routers\":7}"}) {
        std::ofstream(state_file()) << bad;
        agent_->refresh(now_);
    }
    EXPECT_EQ(agent_->stats().state_failures, 5U);
    EXPECT_EQ(reports_.at(0).state, push::VirtualIpState::master);
    fs::remove(state_file());
    agent_->refresh(now_);
    EXPECT_EQ(told_, 1);
}

TEST_F(EdgeAgentTest, WhatCannotBeWrittenIsTriedAgain) {
    fs::create_directory(config_file());
    apply({VirtualIp{"s/a", {"192.0.2.7"}, 17}});
    EXPECT_EQ(agent_->stats().config_failures, 1U);
    fs::remove(config_file());
    agent_->refresh(now_);
    EXPECT_EQ(routers().size(), 1U);
}

}  // namespace
}  // namespace steelyard::edge
