// A worker's life: draining, closing its listeners, limits, and going with everything in flight.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <future>

#include "sidecar/listener/acceptor.hpp"

namespace steelyard::test {
namespace {

class WorkerLife : public WorkerTest {
protected:
    // Nothing moves on the worker until the promise is kept.
    std::promise<void> hold() {
        std::promise<void> release;
        worker_->run([wait = release.get_future().share()](WorkerContext&) { wait.wait(); });
        return release;
    }
};

Backend::Script serve_x() {
    return serve([](const Message&) { return ok("x"); });
}

TEST_F(WorkerLife, WhenDrainingTheNextAnswerEndsItsConnection) {
    Backend backend(serve_x());
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).field("connection"), "");
    worker_->drain();
    const Message answer = one.request(kGet);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.field("connection"), "close");
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
    EXPECT_EQ(client().request(kGet).field("connection"), "close") << "who comes late is served as well";
}

TEST_F(WorkerLife, WhenDrainingQuietConnectionsAreClosed) {
    Backend backend(serve_x());
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 200);
    worker_->drain();
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
}

TEST_F(WorkerLife, WhatIsUnderWayWhenDrainingBeginsFinishes) {
    std::atomic<bool> go_on{false};
    Backend backend([&](Peer& peer) {
        if (!peer.next()) return;
        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
        peer.send(ok("finished"));
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return backend.requests() == 1; }));
    worker_->drain();
    settle();
    go_on = true;
    const Message answer = one.read_response();
    EXPECT_EQ(answer.body, "finished");
    EXPECT_EQ(answer.field("connection"), "close");
}

TEST_F(WorkerLife, WhoWaitsInTheAcceptQueueWhenListenersCloseIsServed) {
    Backend backend(serve_x());
    use(backend);
    auto release = hold();
    std::vector<Socket> waiting;
    for (int i = 0; i < 10; ++i) {
        waiting.push_back(client());
        ASSERT_TRUE(waiting.back().send(kGet));
    }
    worker_->close_listeners();
    release.set_value();
    for (auto& one : waiting) EXPECT_EQ(one.read_response().status(), 200);
    EXPECT_LT(client().fd(), 0) << "the next is refused";
    EXPECT_EQ(waiting[0].request(kGet).status(), 200) << "what is open goes on";
}

TEST_F(WorkerLife, ARemovedListenersConnectionsEndWithTheirNextAnswer) {
    Backend backend(serve_x());
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 200);
    Socket idle = client();
    EXPECT_EQ(idle.request(kGet).status(), 200);
    worker_->remove_listener("test");
    settle();
    EXPECT_LT(client().fd(), 0);
    const Message answer = one.request(kGet);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.field("connection"), "close") << "what changes from here on does not reach it";
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
    EXPECT_EQ(idle.wait_end(), Socket::End::fin);
    EXPECT_EQ(backend.connections(), 1);
    one.close();
    idle.close();
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; }))
        << "the pool goes with the last connection that uses it";
    EXPECT_EQ(counters().idle_connections.get(), 0U);
}

TEST_F(WorkerLife, AConnectionBeyondTheLimitIsClosedAndCounted) {
    options_.max_sessions = 2;
    Backend backend(serve_x());
    use(backend);
    Socket one = client();
    Socket two = client();
    EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(two.request(kGet).status(), 200);
    Socket three = client();
    EXPECT_NE(three.wait_end(), Socket::End::timeout);
    EXPECT_EQ(worker_counters().refused_limit.get(), 1U);
    EXPECT_EQ(worker_counters().sessions.get(), 2U);
    one.close();
    ASSERT_TRUE(eventually([&] { return worker_counters().sessions.get() == 1; }));
    EXPECT_EQ(client().request(kGet).status(), 200);
}

TEST_F(WorkerLife, WhatAClientDoesNotReadFillsNoMegabytesOfTheKernels) {
    start();
    auto listener = open_listener("127.0.0.1", 0);
    ASSERT_TRUE(listener) << listener.error().to_string();
    Socket one = Socket::connect(bound_port(*listener));
    UniqueFd accepted;
    ASSERT_TRUE(eventually([&] {
        accepted = UniqueFd(::accept(listener->get(), nullptr, nullptr));
        return static_cast<bool>(accepted);
    }));
    int unsent = 0;
    socklen_t size = sizeof unsent;
    ASSERT_EQ(getsockopt(accepted.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, &size), 0);
    EXPECT_EQ(unsent, 256 * 1024) << "accepted sockets inherit it";
}

TEST_F(WorkerLife, AbortBreaksEverythingOff) {
    Backend silent([](Peer& peer) {
        peer.next();
        EXPECT_NE(peer.wait_end(), Socket::End::timeout);
    });
    use(silent);
    Socket waiting = client();
    ASSERT_TRUE(waiting.send(kGet));
    Socket idle = client();
    ASSERT_TRUE(eventually([&] { return silent.requests() == 1 && worker_counters().sessions.get() == 2; }));
    worker_->abort();
    EXPECT_EQ(waiting.wait_end(), Socket::End::reset);
    EXPECT_EQ(idle.wait_end(), Socket::End::reset);
    EXPECT_TRUE(eventually([&] { return silent.open() == 0; }));
}

TEST_F(WorkerLife, AWorkerThatGoesWithEverythingInFlightLeavesNothingCounted) {
    Backend silent([](Peer& peer) {
        peer.next();
        peer.wait_end();
    });
    FullHost full;
    Backend good(serve_x());
    use(good);
    Socket idle = client();
    EXPECT_EQ(idle.request(kGet).status(), 200);
    use({{.port = good.port()}, {.port = silent.port()}, {.port = full.port()}});
    std::vector<Socket> clients;
    for (int i = 0; i < 9; ++i) {
        clients.push_back(client());
        ASSERT_TRUE(clients.back().send(with_length("GET", std::string(10'000, 'x')) + "GET / HT"));
    }
    ASSERT_TRUE(eventually([&] { return silent.requests() == 3 && good.requests() == 4; }));
    worker_.reset();
    const UpstreamCounters& left = stats_->worker(0);
    EXPECT_EQ(left.active_connections.get(), 0U);
    EXPECT_EQ(left.idle_connections.get(), 0U);
    for (const auto& host : seen_) EXPECT_EQ(host->active.load(), 0U);
    EXPECT_NE(idle.wait_end(), Socket::End::timeout);
}

TEST_F(WorkerLife, AnIdleWorkerUsesNoProcessorTime) {
    Backend backend(serve_x());
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 200);  // from here on there is something to look at every tick
    const auto used = [&] {
        std::promise<int64_t> ns;
        worker_->run([&](WorkerContext&) {
            timespec time{};
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
            ns.set_value(time.tv_sec * 1'000'000'000 + time.tv_nsec);
        });
        return ns.get_future().get();
    };
    const int64_t before = used();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_LT(used() - before, 4'000'000) << "10 ticks of some microseconds, and no spinning between";
}

}  // namespace
}  // namespace steelyard::test
