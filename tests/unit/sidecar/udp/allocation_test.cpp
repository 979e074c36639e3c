// In steady state a datagram costs no allocation on the worker's thread.
#include <future>

#include "tests/unit/sidecar/udp/udp_test.hpp"
#include "tests/unit/support/counted_new.hpp"

namespace steelyard::test {
namespace {

class UdpAllocation : public UdpTest {
protected:
    void count(bool on) {
        std::promise<void> done;
        worker_->run([&](WorkerContext&) {
            counted = on;
            done.set_value();
        });
        done.get_future().wait();
    }
    // On the worker's thread, over 1,000 exchanges of clients that have a session.
    uint64_t allocations_of(std::vector<Datagrams>& clients) {
        for (auto& one : clients) EXPECT_EQ(one.ask("1"), "a:1");
        count(true);
        const uint64_t before = allocations;
        for (size_t i = 0; i < 1000; ++i) EXPECT_EQ(clients[i % clients.size()].ask("1"), "a:1");
        const uint64_t after = allocations;  // before the next task is posted
        count(false);
        return after - before;
    }
};

TEST_F(UdpAllocation, ADatagramOfAClientThatHasASessionAllocatesNothing) {
    UdpEcho a("a");
    start("0.0.0.0");
    for (const auto algorithm : {config::Algorithm::weighted_round_robin, config::Algorithm::ring_hash}) {
        upstream_.policy.algorithm = algorithm;
        use(a);
        std::vector<Datagrams> clients;
        for (int i = 0; i < 10; ++i) clients.push_back(asker());
        EXPECT_EQ(allocations_of(clients), 0U) << to_string(algorithm);
    }
}

TEST_F(UdpAllocation, IsCounted) {
    UdpEcho a("a");
    use(a);
    count(true);
    const uint64_t before = allocations;
    EXPECT_EQ(asker().ask("1"), "a:1");
    EXPECT_GT(allocations - before, 0U) << "a new session does allocate, or nothing is counted here";
    count(false);
}

}  // namespace
}  // namespace steelyard::test
