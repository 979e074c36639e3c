#include "sidecar/vip/flows/handover.hpp"

#include <gtest/gtest.h>

#include <map>

namespace steelyard::vip {
namespace {

const Ip kOne = *Ip::parse("192.0.2.100");
const Ip kTwo = *Ip::parse("192.0.2.101");
const Ip kSix = *Ip::parse("fd00:2::100");
const Ip kA = *Ip::parse("192.0.2.11");
const Ip kB = *Ip::parse("192.0.2.12");
const Handover::Key kRouter{17, Family::ipv4};
constexpr Milliseconds kLimit{60'000};

// A kernel that remembers what it was asked for.
struct Asked {
    std::map<Ip, Ip> forwarded;
    std::map<Ip, Ip> kept;
    std::vector<Connection> connections;
    int resets = 0, forwards = 0;
    bool refuses = false, hesitates = false;
    std::function<void(Result<std::vector<Connection>>)> waiting;
};

class FakeKernel final : public FlowKernel {
public:
    explicit FakeKernel(Asked& asked) : asked_(asked) {}
    Result<void> forward(const Ip& address, const Ip& to, int, Milliseconds) override {
        if (asked_.refuses) return Error{"kernel", "refused"};
        ++asked_.forwards;
        asked_.forwarded[address] = to;
        return {};
    }
    void stop_forwarding(const Ip& address) override { asked_.forwarded.erase(address); }
    Result<void> keep(const Ip& address, const Ip& own, Milliseconds) override {
        if (asked_.refuses) return Error{"kernel", "refused"};
        asked_.kept[address] = own;
        return {};
    }
    void let_go(const Ip& address) override { asked_.kept.erase(address); }
    void list(std::function<void(Result<std::vector<Connection>>)> done) override {
        if (asked_.hesitates) {
            asked_.waiting = std::move(done);
        } else if (asked_.refuses) {
            done(Error{"kernel", "refused"});
        } else {
            done(asked_.connections);
        }
    }
    void reset(const Connection&) override { ++asked_.resets; }

private:
    Asked& asked_;
};

class HandoverTest : public testing::Test {
protected:
    Asked kernel_;
    int changes_ = 0, ended_ = 0;
    TimePoint now_ = TimePoint{} + std::chrono::hours(1);
    Handover handover_{
        std::make_unique<FakeKernel>(kernel_), {Family::ipv4, Family::ipv6}, kLimit, [this] { ++changes_; }};

    void keep(const std::vector<Ip>& addresses, Handover::Key router = kRouter) {
        handover_.keep(router, addresses, kA, now_, [this] { ++ended_; });
    }
    void connect(const Ip& local) { kernel_.connections.push_back({local, local.family, {}}); }
    void tick(Milliseconds later) { handover_.tick(now_ += later); }
};

TEST_F(HandoverTest, KeepsAddressesUntilTheirConnectionsEnd) {
    connect(kOne);
    connect(kTwo);
    connect(kB);
    keep({kOne, kTwo});
    EXPECT_EQ(kernel_.kept, (std::map<Ip, Ip>{{kOne, kA}, {kTwo, kA}}));
    EXPECT_EQ(handover_.kept_addresses(), (std::vector<Ip>{kOne, kTwo}));
    tick(Milliseconds{5000});
    EXPECT_EQ(handover_.kept_connections(), 2U);
    kernel_.connections.pop_back();
    kernel_.connections.pop_back();
    tick(Milliseconds{200});
    EXPECT_TRUE(handover_.busy()) << "one address of the router still has a connection";
    kernel_.connections.clear();
    tick(Milliseconds{200});
    EXPECT_FALSE(handover_.busy());
    EXPECT_TRUE(kernel_.kept.empty());
    EXPECT_EQ(ended_, 1);
    EXPECT_EQ(changes_, 2);
    EXPECT_EQ(kernel_.resets, 0);
}

TEST_F(HandoverTest, KeepsForAMomentWithoutConnections) {
    keep({kOne});
    tick(Milliseconds{900});
    EXPECT_TRUE(handover_.busy()) << "neighbours are learning";
    tick(Milliseconds{100});
    EXPECT_FALSE(handover_.busy());
    EXPECT_EQ(ended_, 1);
}

TEST_F(HandoverTest, ResetsWhatIsLeftAtTheLimit) {
    connect(kOne);
    connect(kOne);
    connect(kTwo);
    keep({kOne});
    tick(kLimit - Milliseconds{1});
    EXPECT_EQ(kernel_.resets, 0);
    tick(Milliseconds{1});
    EXPECT_EQ(kernel_.resets, 2) << "of this address alone";
    EXPECT_EQ(handover_.stats().resets, 2U);
    EXPECT_TRUE(kernel_.kept.empty());
    EXPECT_EQ(ended_, 1);
}

TEST_F(HandoverTest, WhatComesBackIsNotKeptAnyMore) {
    connect(kOne);
    keep({kOne, kTwo});
    handover_.regain(kOne);
    EXPECT_EQ(kernel_.kept, (std::map<Ip, Ip>{{kTwo, kA}}));
    handover_.regain(kTwo);
    handover_.regain(kTwo);
    EXPECT_FALSE(handover_.busy());
    EXPECT_EQ(ended_, 0) << "nobody else is to be told";
}

TEST_F(HandoverTest, AListFromBeforeTheMoveEndsNothing) {
    keep({kTwo}, {18, Family::ipv4});
    kernel_.hesitates = true;
    tick(Milliseconds{1000});
    keep({kOne});
    tick(Milliseconds{5000});
    const auto done = std::exchange(kernel_.waiting, nullptr);
    done(std::vector<Connection>{});
    EXPECT_EQ(handover_.kept_addresses(), std::vector<Ip>{kOne});
}

TEST_F(HandoverTest, AKernelThatRefusesIsCountedAndNothingIsKept) {
    kernel_.refuses = true;
    keep({kOne});
    EXPECT_FALSE(handover_.busy());
    handover_.forward({kOne}, kB, 2, now_);
    EXPECT_EQ(handover_.forwarded_addresses(now_), 0U);
    EXPECT_EQ(handover_.stats().failures, 2U);
}

TEST_F(HandoverTest, AListThatFailsLeavesTheLimit) {
    keep({kOne});
    kernel_.refuses = true;
    tick(Milliseconds{5000});
    EXPECT_TRUE(handover_.busy());
    tick(kLimit);
    EXPECT_FALSE(handover_.busy());
}

TEST_F(HandoverTest, SendsOnToTheFormerHolderForTheLimitAndALittle) {
    handover_.forward({kOne, kSix}, kB, 2, now_);
    EXPECT_EQ(kernel_.forwarded, (std::map<Ip, Ip>{{kOne, kB}, {kSix, kB}}));
    for (int i = 0; i < 10; ++i) handover_.forward({kOne, kSix}, kB, 2, now_ += Milliseconds{100});
    EXPECT_EQ(kernel_.forwards, 2) << "each advertisement says it again";
    handover_.forward({kOne}, kA, 2, now_);
    EXPECT_EQ(kernel_.forwarded.at(kOne), kA);
    EXPECT_EQ(handover_.forwarded_addresses(now_), 2U);
    EXPECT_EQ(handover_.forwarded_addresses(now_ + kLimit + kForwardMargin), 0U);
}

TEST_F(HandoverTest, StopsWhenTheFormerHolderHasNothingAnyMore) {
    handover_.forward({kOne}, kB, 2, now_);
    handover_.stop_forwarding({kOne}, kA);
    EXPECT_TRUE(kernel_.forwarded.contains(kOne)) << "somebody else has nothing";
    handover_.stop_forwarding({kOne}, kB);
    EXPECT_TRUE(kernel_.forwarded.empty());
}

TEST_F(HandoverTest, StopsWhenAnotherIsMasterUnlessItWasInBetween) {
    handover_.forward({kOne}, kB, 2, now_);
    handover_.other_master(kRouter, {kOne}, kA);
    EXPECT_TRUE(kernel_.forwarded.empty()) << "it never had the address";
    handover_.forward({kOne}, kB, 2, now_);
    connect(kOne);
    keep({kOne});
    handover_.other_master(kRouter, {kOne}, kA);
    EXPECT_TRUE(kernel_.forwarded.contains(kOne)) << "the new master sends here what is the first one's";
    handover_.other_master(kRouter, {kOne}, kB);
    EXPECT_TRUE(kernel_.forwarded.empty()) << "which has the address again: nothing may go round";
}

TEST(Handover, OfOneFamilyLeavesTheOtherAlone) {
    Asked asked;
    Handover handover(std::make_unique<FakeKernel>(asked), {Family::ipv4}, kLimit, [] {});
    handover.forward({kOne, kSix}, kB, 2, TimePoint{});
    handover.keep({17, Family::ipv6}, {kSix}, kB, TimePoint{}, [] {});
    EXPECT_EQ(asked.forwarded.size(), 1U);
    EXPECT_FALSE(handover.busy());
}

}  // namespace
}  // namespace steelyard::vip
