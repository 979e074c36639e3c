// The agent with virtual routers that go by a Lease: what it claims, tells steelyard-vip, and gives up.
#include "tests/unit/sidecar/edge/agent_test.hpp"

namespace steelyard::edge {
namespace {

using config::VirtualIp;
using push::LeaseAction;
using vip::RouterState;

class LeaseAgentTest : public AgentTest {
protected:
    LeaseAgentTest() {
        agent_->set_leases({[this](const push::Claim& claim) {
                                sent_.push_back(claim);
                                return true;
                            },
                            [this](const std::string&) { ++reconnects_; }});
    }
    void push_virtual_ip() {
        VirtualIp ip{"s/a", {"192.0.2.7"}, 17};
        ip.lease_duration_ms = 5000;
        apply({ip});
    }
    void say(const std::vector<RouterState>& states) {
        write_state(states, now_);
        agent_->tick(now_);
    }
    void after(int ms) {
        now_ += Milliseconds{ms};
        agent_->tick(now_);
    }
    void grant(bool held) {
        ASSERT_FALSE(sent_.empty());
        agent_->on_grant({sent_.back().id, {{17, held, held ? "n1" : "n2", 5000, "", ""}}}, now_);
    }
    // Connected, fit, and past the wait for better nodes: the first claim has been sent.
    void claimed() {
        push_virtual_ip();
        agent_->on_session(true, now_);
        say({RouterState::backup});
        after(500);
        ASSERT_EQ(sent_.size(), 1U);
    }
    std::optional<uint64_t> told() const {
        const auto config = written();
        return config && !config->routers.empty() ? config->routers[0].lease_until_ms : std::nullopt;
    }

    std::vector<push::Claim> sent_;
    int reconnects_ = 0;
};

TEST_F(LeaseAgentTest, TellsSteelyardVipUntilWhenTheLeaseIsThisNodes) {
    claimed();
    EXPECT_EQ(told(), 0U);
    const auto begun = static_cast<uint64_t>(steady_ms(now_));
    now_ += Milliseconds{20};
    grant(true);
    EXPECT_EQ(told(), begun + 5000);
    after(1700);
    ASSERT_EQ(sent_.size(), 2U);
    grant(false);
    EXPECT_EQ(told(), 0U);
}

TEST_F(LeaseAgentTest, ClaimsNothingBeforeSteelyardVipCanHoldIt) {
    push_virtual_ip();
    agent_->on_session(true, now_);
    after(1000);
    EXPECT_TRUE(sent_.empty()) << "it has not been heard of";
    say({});
    after(1000);
    EXPECT_TRUE(sent_.empty()) << "it does not know the router";
    say({RouterState::fault});
    after(1000);
    EXPECT_TRUE(sent_.empty());
    say({RouterState::init});
    after(1000);
    EXPECT_TRUE(sent_.empty());
    say({RouterState::backup});
    after(500);
    EXPECT_EQ(sent_.size(), 1U);
    EXPECT_EQ(sent_[0].leases[0].priority, priority_of("n1", 17));
}

class LeaseAgentGivesUpTest : public LeaseAgentTest, public ::testing::WithParamInterface<std::vector<RouterState>> {};

TEST_P(LeaseAgentGivesUpTest, WhatSteelyardVipCannotHoldAnyMoreIsReleased) {
    claimed();
    grant(true);
    say({RouterState::master});
    sent_.clear();
    say(GetParam());
    ASSERT_EQ(sent_.size(), 1U);
    EXPECT_EQ(sent_[0].leases[0].action, LeaseAction::release);
    EXPECT_EQ(told(), 0U);
}

INSTANTIATE_TEST_SUITE_P(EndedOrAtFault, LeaseAgentGivesUpTest,
                         ::testing::Values(std::vector<RouterState>{}, std::vector{RouterState::fault}));

TEST_F(LeaseAgentTest, AMomentWithoutReadinessIsLetPass) {
    claimed();
    grant(true);
    say({RouterState::master});
    sent_.clear();
    say({RouterState::init});
    after(900);
    EXPECT_TRUE(sent_.empty());
    after(200);
    ASSERT_EQ(sent_.size(), 1U);
    EXPECT_EQ(sent_[0].leases[0].action, LeaseAction::release);
}

TEST_F(LeaseAgentTest, ADrainReleases) {
    claimed();
    grant(true);
    agent_->set_draining(true);
    agent_->refresh(now_);
    ASSERT_EQ(sent_.size(), 2U);
    EXPECT_EQ(sent_[1].leases[0].action, LeaseAction::release);
    EXPECT_EQ(told(), 0U);
}

TEST_F(LeaseAgentTest, AControllerThatDoesNotAnswerIsLeft) {
    claimed();
    now_ += Milliseconds{1700};
    agent_->tick(now_);
    EXPECT_EQ(reconnects_, 1);
    EXPECT_EQ(agent_->claims().stats().overdue, 1U);
    EXPECT_FALSE(agent_->claims().is_connected());
}

TEST_F(LeaseAgentTest, LooksMoreOftenWithLeases) {
    EXPECT_EQ(agent_->next_tick(now_), now_ + Agent::kInterval);
    push_virtual_ip();
    EXPECT_LE(agent_->next_tick(now_), now_ + Agent::kLeaseInterval);
    EXPECT_GE(agent_->next_tick(now_), now_);
}

}  // namespace
}  // namespace steelyard::edge
