#include "controller/viplease/book.hpp"

#include <gtest/gtest.h>

namespace steelyard::viplease {
namespace {

using push::LeaseAction;
using What = Book::Decision::What;

constexpr TimePoint t0{std::chrono::hours(1)};
TimePoint at(int64_t ms) { return t0 + Milliseconds{ms}; }
kube::WallTime wall(int64_t ms) { return kube::WallTime{std::chrono::hours(400'000) + Milliseconds{ms}}; }

// One replica and the API server's one Lease, which it writes at once.
class VipLeaseBookTest : public ::testing::Test {
protected:
    Ask ask(std::string node, uint8_t priority, LeaseAction action = LeaseAction::hold, std::string to = {}) {
        return {{17, action, priority, std::move(to)}, Milliseconds{5000}, node, "i-" + node, ++id_};
    }
    // Decides at `ms` and writes what is decided; what is told, in words.
    std::string says(const Ask& a, int64_t ms) {
        auto decision = book_.decide(a, at(ms), wall(ms));
        wrote_ = decision.what;
        if (decision.what != What::answer) write(std::move(decision.record), ms);
        const auto& grant = decision.grant;
        std::string out = grant.held ? "held" : grant.holder.empty() ? "free" : "by " + grant.holder;
        if (!grant.wanted_by.empty()) out += ", wanted by " + grant.wanted_by;
        return out;
    }
    void write(Record record, int64_t ms) {
        record.router_id = 17;
        record.lease.resource_version = std::to_string(++version_);
        last_ = record;
        book_.on_record(std::move(record), at(ms));
    }

    Book book_;
    Record last_;
    What wrote_ = What::answer;
    int version_ = 0;
    uint64_t id_ = 0;
};

TEST_F(VipLeaseBookTest, WhatIsFreeIsTakenAndRenewedAndNobodyElseHasIt) {
    EXPECT_EQ(says(ask("a", 200), 0), "held");
    EXPECT_EQ(wrote_, What::create);
    EXPECT_EQ(says(ask("b", 150), 100), "by a");
    EXPECT_EQ(wrote_, What::answer);
    const std::string acquired = last_.lease.acquire_time;
    EXPECT_EQ(says(ask("a", 200), 1700), "held");
    EXPECT_EQ(wrote_, What::replace);
    EXPECT_EQ(last_.lease.acquire_time, acquired);
    EXPECT_EQ(last_.lease.transitions, 0);
    EXPECT_EQ(says(ask("b", 150), 6700), "by a") << "5 s and a hundredth since it was renewed";
    EXPECT_EQ(says(ask("b", 150), 6750), "held");
    EXPECT_EQ(last_.lease.transitions, 1);
    EXPECT_EQ(says(ask("a", 100), 6760), "by b");
}

TEST_F(VipLeaseBookTest, ARenewalWithinAMicrosecondIsSeenAsOne) {
    says(ask("a", 200), 0);
    const std::string before = last_.lease.renew_time;
    says(ask("a", 200), 0);
    EXPECT_NE(last_.lease.renew_time, before);
}

TEST_F(VipLeaseBookTest, TheGreaterPriorityAsksAndTheHolderIsToldForAsLongAsItDoes) {
    says(ask("a", 150), 0);
    EXPECT_EQ(says(ask("b", 150), 10), "by a") << "an equal one does not";
    EXPECT_EQ(says(ask("b", 200), 20), "by a, wanted by b");
    EXPECT_EQ(wrote_, What::replace);
    EXPECT_EQ(says(ask("b", 200), 520), "by a, wanted by b");
    EXPECT_EQ(wrote_, What::answer) << "said once in a third of the duration";
    EXPECT_EQ(says(ask("c", 180), 530), "by a, wanted by b");
    EXPECT_EQ(wrote_, What::answer) << "a better one is there";
    EXPECT_EQ(says(ask("c", 201), 540), "by a, wanted by c");
    EXPECT_EQ(says(ask("a", 150), 600), "held, wanted by c");
    EXPECT_EQ(says(ask("a", 150), 3900), "held") << "c has not asked for two thirds of the duration";
    EXPECT_EQ(last_.wish.node, "");
}

TEST_F(VipLeaseBookTest, AWishIsNoSignOfLifeOfTheHolder) {
    says(ask("a", 150), 0);
    for (int ms = 1000; ms <= 5000; ms += 1000) EXPECT_EQ(says(ask("b", 200), ms), "by a, wanted by b");
    EXPECT_EQ(says(ask("b", 200), 5050), "held");
    EXPECT_EQ(last_.wish.node, "");
}

TEST_F(VipLeaseBookTest, AHolderOfHigherPriorityIsNotAskedAnyMore) {
    says(ask("a", 150), 0);
    says(ask("b", 200), 10);
    EXPECT_EQ(says(ask("a", 210), 20), "held");
    EXPECT_EQ(says(ask("b", 200), 30), "by a");
}

TEST_F(VipLeaseBookTest, ItIsGivenToWhomTheHolderSaysAndByTheHolderOnly) {
    says(ask("a", 150), 0);
    says(ask("b", 200), 10);
    EXPECT_EQ(says(ask("b", 200, LeaseAction::transfer, "b"), 20), "by a");
    EXPECT_EQ(says(ask("a", 150, LeaseAction::transfer, "b"), 30), "by b");
    EXPECT_EQ(last_.priority, 200);
    EXPECT_EQ(last_.lease.transitions, 1);
    EXPECT_EQ(says(ask("a", 150), 40), "by b");
    EXPECT_EQ(says(ask("b", 200), 50), "held");
    EXPECT_EQ(says(ask("a", 150, LeaseAction::release), 60), "by b");
    EXPECT_EQ(says(ask("b", 200, LeaseAction::release), 70), "free");
    EXPECT_EQ(says(ask("c", 1), 80), "held");
    EXPECT_EQ(last_.lease.transitions, 2);
}

TEST_F(VipLeaseBookTest, WhoIsGivenItAndDoesNotComeHasItForTheDuration) {
    says(ask("a", 150), 0);
    says(ask("a", 150, LeaseAction::transfer, "gone"), 10);
    EXPECT_EQ(says(ask("a", 150), 5000), "by gone, wanted by a") << "whose priority nobody knows";
    EXPECT_EQ(says(ask("a", 150), 5100), "held");
}

TEST_F(VipLeaseBookTest, AProcessThatWasReplacedDoesNotGiveAwayWhatItsSuccessorHolds) {
    says(ask("a", 150), 0);
    Ask successor = ask("a", 150);
    successor.instance = "new";
    EXPECT_EQ(says(successor, 10), "held");
    EXPECT_EQ(says(ask("a", 150, LeaseAction::release), 20), "by a");
    EXPECT_EQ(wrote_, What::answer);
    successor.claim.action = LeaseAction::release;
    ++successor.id;
    EXPECT_EQ(says(successor, 30), "free");
}

TEST_F(VipLeaseBookTest, AClaimThatComesLateDoesNotGiveAwayWhatWasClaimedSince) {
    says(ask("a", 150), 0);
    const Ask later = ask("a", 150);  // and is overtaken, too
    const Ask late = ask("a", 150, LeaseAction::transfer, "b");
    EXPECT_EQ(says(ask("a", 150), 10), "held");
    EXPECT_EQ(says(later, 15), "held");
    EXPECT_EQ(says(late, 20), "by a");
    EXPECT_EQ(wrote_, What::answer);
    EXPECT_EQ(says(ask("a", 150, LeaseAction::transfer, "b"), 30), "by b");
}

TEST_F(VipLeaseBookTest, ALeaseThatIsDeletedCountsAsHeldAndItsHolderMakesItAnew) {
    says(ask("a", 200), 0);
    book_.on_deleted(last_, at(100));
    EXPECT_EQ(says(ask("b", 250), 200), "by a");
    EXPECT_EQ(wrote_, What::answer);
    EXPECT_EQ(says(ask("a", 200), 1000), "held");
    EXPECT_EQ(wrote_, What::create);
    EXPECT_EQ(last_.lease.object, "");
    book_.on_absent(17, at(1100));
    EXPECT_EQ(says(ask("b", 250), 6000), "by a");
    EXPECT_EQ(says(ask("b", 250), 6100), "held");
}

TEST_F(VipLeaseBookTest, WhatIsOlderThanWhatIsKnownIsPassedOver) {
    says(ask("a", 200), 0);
    const Record old = last_;
    says(ask("a", 200, LeaseAction::release), 10);
    says(ask("b", 200), 20);
    book_.on_record(old, at(30));
    book_.on_deleted(old, at(30));
    EXPECT_EQ(says(ask("b", 200), 40), "held");
    EXPECT_EQ(wrote_, What::replace);
}

TEST_F(VipLeaseBookTest, WhatIsWrittenByHandIsASignOfLife) {
    Record foreign;
    foreign.lease = {"some body", Milliseconds{0}, "", "", 0, "", ""};
    write(foreign, 0);
    EXPECT_EQ(says(ask("a", 200), 10), "by (unreadable), wanted by a");
    EXPECT_EQ(says(ask("a", 200), 5040), "by (unreadable), wanted by a") << "no duration there: that of who asks";
    Record labelled = last_;
    write(labelled, 5045);  // with nothing changed that we know of
    EXPECT_EQ(says(ask("a", 200), 9000), "by (unreadable), wanted by a");
    EXPECT_EQ(says(ask("a", 200), 10'100), "held");
}

TEST_F(VipLeaseBookTest, ALeaseOfLongerDurationIsHeldForThat) {
    Ask longer = ask("a", 200);
    longer.duration = Milliseconds{20'000};
    says(longer, 0);
    EXPECT_EQ(says(ask("b", 100), 20'000), "by a");
    EXPECT_EQ(says(ask("b", 100), 20'200), "held");
}

TEST_F(VipLeaseBookTest, LeftOverIsWhatNobodyHoldsOfNoService) {
    says(ask("a", 200), 0);
    EXPECT_EQ(book_.held(at(1)), 1u);
    EXPECT_TRUE(book_.left_over({}, at(1)).empty());
    EXPECT_EQ(book_.held(at(6000)), 0u);
    ASSERT_EQ(book_.left_over({}, at(6000)).size(), 1u);
    std::bitset<256> used;
    used.set(17);
    EXPECT_TRUE(book_.left_over(used, at(6000)).empty());
    book_.on_list({}, at(6000));
    EXPECT_TRUE(book_.left_over({}, at(6000)).empty());
}

}  // namespace
}  // namespace steelyard::viplease
