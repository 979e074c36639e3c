// Whose turn it is when the table is swept.
#include "sidecar/session/session.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace steelyard::test {
namespace {

class Swept final : public Session {
public:
    explicit Swept(SessionTable& table) : table_(table) {}
    void on_sweep(TimePoint) override {
        ++sweeps;
        if (sweeps == ends_at) table_.remove(this);
    }
    void on_drain() override {}
    void on_abort() override {}
    bool in_a_hurry() const override { return hurries && sweeps != ends_at; }

    int sweeps = 0;
    int ends_at = -1;
    bool hurries = false;

private:
    SessionTable& table_;
};

class SessionTableTest : public ::testing::Test {
protected:
    SessionTableTest() {
        for (int i = 0; i < 100; ++i) {
            auto session = std::make_unique<Swept>(table_);
            all_.push_back(session.get());
            table_.add(std::move(session));
        }
    }
    Swept& at(size_t i) { return *all_.at(i); }
    void hurry(size_t i) {
        at(i).hurries = true;
        table_.hurry(at(i));
    }
    void sweep(int times) {
        for (int i = 0; i < times; ++i) table_.sweep({});
    }

    Reactor reactor_;
    SessionTable table_{reactor_};
    std::vector<Swept*> all_;
};

TEST_F(SessionTableTest, EachHasItsTurnInTenCalls) {
    sweep(10);
    for (const auto* session : all_) {
        EXPECT_GE(session->sweeps, 1);
        EXPECT_LE(session->sweeps, 2);
    }
}

TEST_F(SessionTableTest, OneInAHurryHasItWithEveryCallUntilItIsNoLonger) {
    hurry(40);
    table_.hurry(at(40));  // once is enough, twice is no more
    sweep(1);
    EXPECT_GE(at(40).sweeps, 1);
    EXPECT_LE(at(40).sweeps, 2);
    sweep(19);
    EXPECT_GE(at(40).sweeps, 20);
    at(40).hurries = false;
    at(40).sweeps = 0;
    sweep(20);
    EXPECT_LE(at(40).sweeps, 3);
}

TEST_F(SessionTableTest, ThoseInAHurryMayEndInTheirTurnAndTheOthersMissNothing) {
    for (size_t i = 0; i < 30; ++i) hurry(i);
    for (size_t i = 0; i < 30; i += 3) at(i).ends_at = 2;
    sweep(5);
    EXPECT_EQ(table_.size(), 90U);
    for (size_t i = 0; i < 30; ++i) {
        if (i % 3 == 0) continue;
        EXPECT_GE(at(i).sweeps, 5) << i;
    }
    reactor_.delete_retired();
    sweep(5);
    EXPECT_EQ(table_.size(), 90U);
}

TEST_F(SessionTableTest, OneThatIsRemovedFromOutsideIsSweptNoMore) {
    hurry(7);
    hurry(8);
    table_.remove(&at(7));
    reactor_.delete_retired();
    sweep(10);
    EXPECT_GE(at(8).sweeps, 10);
    EXPECT_EQ(table_.size(), 99U);
}

}  // namespace
}  // namespace steelyard::test
