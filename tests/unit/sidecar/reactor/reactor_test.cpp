#include <sys/eventfd.h>

#include <array>
#include <atomic>

#include "tests/unit/sidecar/reactor/reactor_thread.hpp"

namespace steelyard {
namespace {

using ReactorTest = ReactorThread;

struct Recorder final : EventHandler {
    explicit Recorder(std::function<void()> event) : action(std::move(event)) {}
    void on_events(uint32_t) override {
        ++count;
        action();
    }
    std::function<void()> action;
    std::atomic<int> count{0};
};

TEST_F(ReactorTest, RunsWhatManyThreadsPostInEachOnesOrder) {
    constexpr int kThreads = 4;
    constexpr int kTasks = 2000;
    std::array<int, kThreads> last{};
    bool ordered = true;
    std::vector<std::thread> posters;
    for (int t = 0; t < kThreads; ++t) {
        posters.emplace_back([&, t] {
            for (int i = 1; i <= kTasks; ++i) {
                reactor_.post([&, t, i] {
                    auto& seen = last[static_cast<size_t>(t)];
                    ordered = ordered && seen == i - 1;
                    seen = i;
                });
            }
        });
    }
    for (auto& poster : posters) poster.join();
    on_reactor([] {});
    EXPECT_TRUE(ordered);
    for (const int seen : last) EXPECT_EQ(seen, kTasks);
}

TEST_F(ReactorTest, ATaskMayPostAnother) {
    std::promise<void> done;
    reactor_.post([&] { reactor_.post([&] { done.set_value(); }); });
    EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(ReactorTest, StopRunsWhatWasPostedBefore) {
    bool ran = false;
    reactor_.post([&] { ran = true; });
    stop();
    EXPECT_TRUE(ran);
}

TEST_F(ReactorTest, TicksOnlyWhileToldTo) {
    std::atomic<int> ticks{0};
    on_reactor([&] { reactor_.set_tick([&] { ++ticks; }); });
    std::this_thread::sleep_for(3 * Reactor::kTick);
    EXPECT_EQ(ticks, 0);
    const auto start = Clock::now();
    on_reactor([&] { reactor_.set_ticking(true); });
    while (ticks < 4) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_GE(Clock::now() - start, 2 * Reactor::kTick) << "the first may come at once, the others have their time";
    on_reactor([&] { reactor_.set_ticking(false); });
    const int before = ticks;
    std::this_thread::sleep_for(3 * Reactor::kTick);
    EXPECT_EQ(ticks, before);
}

TEST_F(ReactorTest, DeletesTheRetiredAfterTheTurnAndWhatTheyRetireToo) {
    struct Chain final : Retired {
        Chain(Reactor& reactor, int depth, int& alive) : reactor_(reactor), depth_(depth), alive_(alive) { ++alive_; }
        ~Chain() override {
            --alive_;
            if (depth_ > 0) reactor_.retire(std::make_unique<Chain>(reactor_, depth_ - 1, alive_));
        }
        Reactor& reactor_;
        int depth_;
        int& alive_;
    };
    int alive = 0;
    on_reactor([&] {
        reactor_.retire(std::make_unique<Chain>(reactor_, 3, alive));
        EXPECT_EQ(alive, 1) << "events of this turn may still name it";
    });
    on_reactor([&] { EXPECT_EQ(alive, 0); });
}

TEST_F(ReactorTest, AnEdgeIsReportedOnceAndALevelUntilItIsGone) {
    UniqueFd edge_fd(eventfd(0, EFD_NONBLOCK));
    UniqueFd level_fd(eventfd(0, EFD_NONBLOCK));
    Recorder edge([] {});
    Recorder level([&] {
        uint64_t value = 0;
        if (level.count != 3) return;
        EXPECT_EQ(::read(level_fd.get(), &value, sizeof(value)), 8);
    });
    on_reactor([&] {
        EXPECT_TRUE(reactor_.add(edge_fd.get(), &edge));
        EXPECT_TRUE(reactor_.add(level_fd.get(), &level, Reactor::Trigger::level));
    });
    on_reactor([] {});
    const int writable = edge.count;  // an eventfd is so from the start
    const uint64_t one = 1;
    ASSERT_EQ(::write(edge_fd.get(), &one, sizeof(one)), 8);
    ASSERT_EQ(::write(level_fd.get(), &one, sizeof(one)), 8);
    while (level.count < 3) std::this_thread::yield();
    for (int i = 0; i < 5; ++i) on_reactor([] {});
    EXPECT_EQ(edge.count, writable + 1);
    EXPECT_EQ(level.count, 3);
    on_reactor([&] { EXPECT_TRUE(reactor_.rebind(edge_fd.get(), &edge)); });
    on_reactor([] {});
    on_reactor([] {});
    EXPECT_EQ(edge.count, writable + 2) << "what is ready is reported anew";
}

TEST_F(ReactorTest, ABadDescriptorIsRefused) {
    Recorder handler([] {});
    on_reactor([&] { EXPECT_FALSE(reactor_.add(-1, &handler)); });
}

}  // namespace
}  // namespace steelyard
