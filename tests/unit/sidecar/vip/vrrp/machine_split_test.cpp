// Two masters: who stays is the same on both sides, says so, and tells the neighbours where the addresses are.
#include "machine_fixture.hpp"

namespace steelyard::vip {
namespace {

TEST(VrrpMachineSplit, AMasterYieldsToAHigherPriorityAndToAHigherAddressAtTheSame) {
    struct Case {
        uint8_t priority;
        Ip from;
        bool yields;
    };
    const Ip longer = ip("10.0.0.40");
    for (const auto& [priority, from, yields] :
         {Case{201, kLower, true}, Case{200, kHigher, true}, Case{200, longer, true}, Case{200, kLower, false},
          Case{199, kHigher, false}}) {
        auto machine = master_of(options_of(200));
        const auto actions = machine.on_advert(advert_of(priority, 1000), from, at(700));
        EXPECT_EQ(actions.remove_addresses, yields);
        EXPECT_EQ(machine.state(), yields ? State::backup : State::master);
        EXPECT_EQ(machine.stats().yields, yields ? 1U : 0U);
        EXPECT_EQ(machine.stats().splits, yields ? 0U : 1U);
        if (yields) {
            EXPECT_TRUE(actions.send_advert);  // its last word
            EXPECT_EQ(actions.advert_priority, 200);
            EXPECT_EQ(machine.deadline(), at(3700) + machine.skew());
            EXPECT_EQ(machine.master_address(), from);
        }
    }
}

TEST(VrrpMachineSplit, WhoStaysAdvertisesAndAnnouncesAtOnceAndAgainWithTheNextAdvert) {
    auto machine = master_of(options_of(200));
    const auto actions = machine.on_advert(advert_of(100), kHigher, at(520));
    EXPECT_EQ(actions, (Actions{.send_advert = true, .advert_priority = 200, .announce = true}));
    EXPECT_EQ(machine.on_timer(at(620)), actions);
    EXPECT_EQ(machine.on_timer(at(720)), advertising(200));
}

TEST(VrrpMachineSplit, WhatIsHeardWhileTakingOverIsNoSplit) {
    auto machine = master_of(options_of(200));
    EXPECT_TRUE(machine.on_advert(advert_of(100), kHigher, at(499)).send_advert);
    EXPECT_EQ(machine.stats().splits, 0U);
    machine.on_advert(advert_of(100), kHigher, at(500));
    EXPECT_EQ(machine.stats().splits, 1U);
}

TEST(VrrpMachineSplit, AFloodOfLesserAdvertsIsNotAnsweredOneByOne) {
    auto machine = master_of(options_of(200));
    int answers = 0, announcements = 0;
    for (int64_t t = 500; t < 600; ++t) {
        for (int i = 0; i < 10; ++i) {
            const auto actions = machine.on_advert(advert_of(i == 9 ? 0 : 100), kHigher, at(t));
            answers += actions.send_advert ? 1 : 0;
            announcements += actions.announce ? 1 : 0;
        }
    }
    EXPECT_EQ(answers, 20);
    EXPECT_EQ(announcements, 20);
    EXPECT_EQ(machine.stats().splits, 900U);
}

TEST(VrrpMachineSplit, TwoOwnersDoNotBothStay) {
    auto machine = running(options_of(kOwnerPriority));
    EXPECT_TRUE(machine.on_advert(advert_of(kOwnerPriority), kHigher, at(500)).remove_addresses);
    EXPECT_EQ(machine.state(), State::backup);
    auto other = running(options_of(kOwnerPriority));
    EXPECT_FALSE(other.on_advert(advert_of(kOwnerPriority), kLower, at(500)).remove_addresses);
    EXPECT_EQ(other.state(), State::master);
}

TEST(VrrpMachineSplit, OurOwnOctetsComingBackMakeNobodyYield) {
    auto machine = master_of(options_of(200));
    EXPECT_FALSE(machine.on_advert(advert_of(200), kOurs, at(520)).remove_addresses);
    EXPECT_EQ(machine.state(), State::master);
}

}  // namespace
}  // namespace steelyard::vip
