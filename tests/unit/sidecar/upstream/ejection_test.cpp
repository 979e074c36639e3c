// Passive health: who is ejected, for how long, and who is picked instead.
#include "sidecar/upstream/ejection.hpp"

#include "picker_support.hpp"

namespace steelyard::test {
namespace {

class EjectionTest : public PickerTest {
protected:
    bool fail(size_t i, HostFault fault = HostFault::refused) {
        return note_failure(*snapshot_, host(i), fault, options_, now_ms_);
    }
    void eject(size_t i) {
        for (uint32_t n = 1; n < options_.after; ++n) fail(i);
        EXPECT_TRUE(fail(i));
    }
    bool out(size_t i) { return is_ejected(host(i), now_ms_); }
    void wait(int64_t ms) { now_ms_ += ms; }

    EjectionOptions options_;
};

TEST_F(EjectionTest, FiveFailuresInARowEjectAndAnAnswerEndsTheRow) {
    use({{}, {}});
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail(0));
    note_answer(host(0));
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail(0));
    EXPECT_FALSE(out(0));
    EXPECT_TRUE(fail(0));
    EXPECT_TRUE(out(0));
    EXPECT_EQ(picks(100)[1], 100U);
    EXPECT_FALSE(fail(0)) << "what was under way fails as well: it is known";
}

TEST_F(EjectionTest, OneConnectWithoutAnAnswerIsEnough) {
    use({{}, {}, {}});
    EXPECT_TRUE(fail(2, HostFault::silent));
    EXPECT_EQ(picks(100)[2], 0U);
}

TEST_F(EjectionTest, WhenItsTimeIsOverOneTriesItAndAnAnswerBringsItBack) {
    use({{}, {}});
    eject(0);
    wait(999);
    EXPECT_TRUE(out(0));
    wait(1);
    auto counted = picks(100);
    EXPECT_EQ(counted[0], 1U) << "the others wait for what becomes of it";
    note_answer(host(0));
    EXPECT_EQ(picks(100)[0], 50U);
    EXPECT_FALSE(fail(0)) << "it is as good as new";
}

TEST_F(EjectionTest, EachFailedTrialDoublesTheTimeUpToABound) {
    use({{}, {}});
    eject(0);
    for (const int64_t ms : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
        wait(ms - 1);
        EXPECT_TRUE(out(0)) << ms;
        wait(1);
        EXPECT_FALSE(out(0)) << ms;
        EXPECT_EQ(picks(10)[0], 1U);
        EXPECT_TRUE(fail(0)) << "one failure of a trial is enough";
    }
    wait(30'000);
    EXPECT_EQ(picks(10)[0], 1U);
    note_answer(host(0));
    eject(0);
    wait(1'000);
    EXPECT_FALSE(out(0)) << "from the beginning";
}

TEST_F(EjectionTest, ATrialThatNobodyHearsOfIsFollowedByAnother) {
    use({{}, {}});
    eject(0);
    wait(1'000);
    EXPECT_EQ(picks(10)[0], 1U);
    wait(5'000);
    EXPECT_EQ(picks(10)[0], 1U);
}

TEST_F(EjectionTest, NoMoreThanAShareIsEjected) {
    use({{}, {}, {}, {}, {.draining = true}});
    eject(0);
    eject(1);
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(fail(2, HostFault::silent));
    EXPECT_GT(picks(100)[2], 0U) << "two of four are out";
    use({{}});
    EXPECT_FALSE(fail(0, HostFault::silent)) << "nobody is left without its only host";
}

TEST_F(EjectionTest, ATrialThatFailsFindsNoRoomWhenOthersWereEjectedMeanwhile) {
    use({{}, {}, {}, {}});
    eject(0);
    wait(1'000);
    eject(1);
    eject(2);
    EXPECT_EQ(picks(10)[0], 1U);
    EXPECT_FALSE(fail(0));
    EXPECT_FALSE(out(0));
    EXPECT_GT(picks(10)[0], 1U);
}

TEST_F(EjectionTest, AnEjectedHostIsBetterThanNone) {
    use({{}, {}, {.priority = 1}});
    eject(0);
    down(1);
    EXPECT_EQ(picks(10)[2], 10U) << "backups come first";
    down(2);
    EXPECT_EQ(picks(10)[0], 10U);
    tried_.add(&host(0));
    EXPECT_EQ(pick(), balancer::kNoHost);
}

TEST_F(EjectionTest, HoldsForEveryAlgorithm) {
    for (const config::Algorithm algorithm : kAlgorithms) {
        upstream_.policy.algorithm = algorithm;
        use({{}, {}, {}});
        for (size_t i = 0; i < 3; ++i) note_answer(host(i));
        EXPECT_TRUE(fail(1, HostFault::silent)) << to_string(algorithm);
        const auto counted = picks(300);
        EXPECT_EQ(counted[1], 0U) << to_string(algorithm);
        EXPECT_EQ(counted[0] + counted[2], 300U) << to_string(algorithm);
        note_answer(host(1));
    }
}

TEST_F(EjectionTest, LocalityCountsAnEjectedHostAsMissing) {
    place_.zone = "a";
    upstream_.policy.locality.mode = config::Locality::Mode::same_zone;
    use({{.zone = "a"}, {.zone = "a"}, {.zone = "b"}, {.zone = "b"}});
    eject(0);
    eject(1);
    const auto counted = picks(100);
    EXPECT_EQ(counted[2] + counted[3], 100U);
}

TEST_F(EjectionTest, CanBeSwitchedOff) {
    options_.after = 0;
    use({{}, {}});
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(fail(0, HostFault::silent));
}

}  // namespace
}  // namespace steelyard::test
