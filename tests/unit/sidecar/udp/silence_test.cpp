// Which silence of a host means that it is gone, and which does not. Without sockets and without a clock.
#include "sidecar/udp/silence.hpp"

#include <gtest/gtest.h>

namespace steelyard::test {
namespace {

using Verdict = UdpSilence::Verdict;

class UdpSilenceTest : public ::testing::Test {
protected:
    void wait(int64_t ms) { now_ms_ += ms; }
    void send(UdpSilence& session, uint32_t datagrams = 1) { session.sent(datagrams, now_ms_); }
    void answer(UdpSilence& session) { session.answered(host_, now_ms_); }
    Verdict judge(UdpSilence& session) { return session.judge(host_, now_ms_); }
    // The host is one that answers, and at once.
    void greet() {
        UdpSilence other;
        send(other);
        answer(other);
        wait(1);
    }
    // Until something is found, looked at each half second as a worker does; -1: it is not within `most`.
    int64_t until(Verdict verdict, UdpSilence& session, int64_t most = 100'000) {
        for (int64_t waited = 0; waited <= most; waited += 500, wait(500)) {
            if (judge(session) == verdict) return waited;
        }
        return -1;
    }

    Host host_{"10.0.0.1:53", *SocketAddress::parse("10.0.0.1", 53)};
    int64_t now_ms_ = 1'000'000'000;
    UdpSilence session_;
};

TEST_F(UdpSilenceTest, ThreeDatagramsInVainOverASecondMeanThatAHostThatAnsweredIsGone) {
    greet();
    send(session_);
    wait(400);
    send(session_);
    wait(599);
    send(session_);
    EXPECT_EQ(judge(session_), Verdict::none) << "not yet a second";
    wait(1);
    EXPECT_EQ(judge(session_), Verdict::gone);
}

TEST_F(UdpSilenceTest, TwoAreTooFewHoweverLongItTakes) {
    greet();
    send(session_, 2);
    EXPECT_EQ(until(Verdict::gone, session_), -1);
    send(session_);
    EXPECT_EQ(judge(session_), Verdict::gone);
}

TEST_F(UdpSilenceTest, AnAnswerEndsTheRow) {
    greet();
    for (int i = 0; i < 10; ++i) {
        send(session_, 2);
        wait(900);
        answer(session_);
        wait(900);
        EXPECT_EQ(judge(session_), Verdict::none);
    }
}

TEST_F(UdpSilenceTest, WhatSeveralSessionsSentInVainIsAddedUp) {
    greet();
    UdpSilence one, two, three;
    for (UdpSilence* each : {&one, &two, &three}) {
        send(*each);
        wait(100);
    }
    wait(900);
    EXPECT_EQ(judge(one), Verdict::none);
    EXPECT_EQ(judge(two), Verdict::none);
    EXPECT_EQ(judge(three), Verdict::gone);
    EXPECT_EQ(judge(one), Verdict::gone) << "it has nothing to wait for either";
    UdpSilence trial;
    send(trial);
    wait(1'000);
    EXPECT_EQ(judge(trial), Verdict::gone) << "who tries the host again needs one";
}

TEST_F(UdpSilenceTest, AHostThatSpeaksToAnybodyIsThere) {
    greet();
    UdpSilence heard;
    for (int i = 0; i < 60; ++i) {
        send(session_, 5);
        send(heard);
        wait(300);
        answer(heard);
        EXPECT_EQ(judge(session_), Verdict::none) << "who sends what nobody answers takes no host from others";
    }
    wait(1);
    send(session_, 3);
    wait(1'000);
    EXPECT_EQ(judge(session_), Verdict::gone) << "and sees when it stops";
}

TEST_F(UdpSilenceTest, AHostThatNeverAnswersIsWellWhenItIsSilent) {
    for (int i = 0; i < 1'000; ++i) {
        send(session_, 100);
        wait(500);
        ASSERT_NE(judge(session_), Verdict::gone);
    }
    session_.begin();
    send(session_);
    EXPECT_EQ(until(Verdict::well, session_), UdpSilence::kUnrefusedMs);
    EXPECT_EQ(until(Verdict::well, session_), -1) << "once for what was sent";
}

TEST_F(UdpSilenceTest, AHostThatAnsweredLongAgoIsOneThatDoesNotAnswer) {
    greet();
    wait(UdpSilence::kAnswersMs);
    send(session_, 100);
    EXPECT_EQ(until(Verdict::gone, session_), -1);
}

TEST_F(UdpSilenceTest, AHostThatTakesItsTimeIsGivenThreeTimesAsMuch) {
    greet();
    send(session_);
    wait(700);
    answer(session_);
    wait(10);
    send(session_, 3);
    EXPECT_EQ(until(Verdict::gone, session_), 2'500);
    wait(7'500);
    answer(session_);
    wait(10);
    send(session_, 3);
    EXPECT_EQ(until(Verdict::gone, session_), UdpSilence::kMostPatienceMs);
}

TEST_F(UdpSilenceTest, ASilenceInWhichNobodyAskedTeachesNothing) {
    greet();
    wait(60'000);
    send(session_);
    wait(2);
    answer(session_);
    wait(20'000);
    send(session_, 3);
    EXPECT_EQ(until(Verdict::gone, session_), 1'000);
}

TEST_F(UdpSilenceTest, TheVerdictComesAgainWhenMoreIsSentInVainOnceInASecond) {
    greet();
    send(session_, 3);
    EXPECT_EQ(until(Verdict::gone, session_), 1'000);
    EXPECT_EQ(until(Verdict::gone, session_), -1) << "nothing was sent since";
    int verdicts = 0;
    for (int i = 0; i < 100; ++i) {
        send(session_);
        wait(100);
        if (judge(session_) == Verdict::gone) ++verdicts;
    }
    EXPECT_EQ(verdicts, 10);
    answer(session_);
    send(session_);
    wait(40'000);
    EXPECT_EQ(judge(session_), Verdict::none) << "one answer, and all is well";
}

}  // namespace
}  // namespace steelyard::test
