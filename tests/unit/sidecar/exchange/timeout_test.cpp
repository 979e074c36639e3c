// Whoever keeps others waiting for too long. The limits are short here; deadlines are looked at every few ticks.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

class Timeout : public WorkerTest {
protected:
    void SetUp() override {
        // What a test is not about is as long as its patience.
        options_.timeouts = {.connect = kPatience,
                             .request_head = kPatience,
                             .client_idle = kPatience,
                             .response_head = kPatience,
                             .stream_idle = kPatience,
                             .tunnel_idle = kPatience,
                             .linger = kPatience};
    }
    static constexpr Milliseconds kShort{100};
};

void never_answer(Peer& peer) {
    peer.next();
    peer.wait_end();
}

TEST_F(Timeout, ASlowHeadIsAnswered408) {
    options_.timeouts.request_head = kShort;
    use(std::vector<TestHost>{});
    Socket one = client();
    const Message answer = one.request("GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(answer.status(), 408);
    EXPECT_EQ(answer.field("connection"), "close");
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
    EXPECT_EQ(worker_counters().timeouts.get(), 1U);
}

TEST_F(Timeout, AHeadThatDribblesGetsNoMoreTime) {
    options_.timeouts.request_head = Milliseconds{300};
    use(std::vector<TestHost>{});
    Socket one = client();
    for (int i = 0; i < 1000 && worker_counters().timeouts.get() == 0; ++i) {
        one.send("G");
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(one.read_response().status(), 408);
}

TEST_F(Timeout, AnIdleClientIsClosedWithoutAWord) {
    options_.timeouts.client_idle = kShort;
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(one.read_to_end(), "");
    EXPECT_EQ(one.end(), Socket::End::fin);
    Socket silent = client();
    EXPECT_EQ(silent.read_to_end(), "");
}

TEST_F(Timeout, ASlowBodyIsAnswered408) {
    options_.timeouts.stream_idle = kShort;
    Backend backend([](Peer& peer) { peer.wait_end(); });
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").status(), 408);
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; }));
}

TEST_F(Timeout, AHostThatReadsNoBodyIsAnswered504) {
    options_.timeouts.stream_idle = kShort;
    std::atomic<bool> over{false};
    Backend backend([&](Peer&) { EXPECT_TRUE(eventually([&] { return over.load(); })); });
    use(backend);
    Socket one = client();
    std::thread sender([&] { one.send(with_length("POST", std::string(30'000'000, 'x'))); });
    EXPECT_EQ(one.read_response().status(), 504);
    over = true;
    sender.join();
    EXPECT_EQ(failures(Failure::timeout), 1U);
    EXPECT_EQ(worker_counters().timeouts.get(), 0U) << "the client was not slow";
}

TEST_F(Timeout, AHostThatDoesNotAnswerIsAnswered504) {
    options_.timeouts.response_head = kShort;
    Backend backend(never_answer);
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 504);
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; })) << "the host's connection is not used again";
    EXPECT_EQ(one.request(kGet).status(), 504) << "the client's is";
    EXPECT_EQ(failures(Failure::timeout), 2U);
}

TEST_F(Timeout, AHostThatStallsWithinAHeldAnswerIsAnswered504) {
    options_.timeouts.stream_idle = kShort;
    Backend backend([](Peer& peer) {
        if (peer.next()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        peer.wait_end();
    });
    use(backend);
    EXPECT_EQ(client().request(kGet).status(), 504);
}

TEST_F(Timeout, AHostThatStallsWithinAStreamedAnswerIsCut) {
    options_.timeouts.stream_idle = kShort;
    Backend backend([](Peer& peer) {
        if (peer.next()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf");
        peer.wait_end();
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    EXPECT_NE(one.read_until("half"), "");
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    EXPECT_EQ(failures(Failure::timeout), 1U);
}

TEST_F(Timeout, AClientThatDoesNotReadItsAnswerIsCut) {
    options_.timeouts.stream_idle = kShort;
    Backend backend(serve([](const Message&) { return ok(std::string(30'000'000, 'x')); }));
    use(backend);
    Socket one = client(4096);
    ASSERT_TRUE(one.send(kGet));
    EXPECT_TRUE(eventually([&] { return failures(Failure::timeout) == 1; }));
    EXPECT_TRUE(eventually([&] { return worker_counters().sessions.get() == 0; }));
}

TEST_F(Timeout, AConnectThatHangsGoesToAnotherHost) {
    options_.timeouts.connect = kShort;
    FullHost full;
    Backend good(serve([](const Message&) { return ok("x"); }));
    use({{.port = full.port()}, {.port = good.port()}});
    Socket one = client();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(one.request(with_length("POST", "order")).status(), 200);
    EXPECT_GT(host(full.port())->failures.load(), 0U);
}

TEST_F(Timeout, WhenEveryConnectHangsTheAnswerIs502) {
    options_.timeouts.connect = kShort;
    FullHost full;
    use({{.port = full.port()}});
    EXPECT_EQ(client().request(kGet).status(), 502);
    EXPECT_EQ(failures(Failure::connect), 1U);
    EXPECT_EQ(host(full.port())->active.load(), 0U);
}

TEST_F(Timeout, AClientThatLeavesDuringAConnectIsNotWaitedFor) {
    FullHost full;
    use({{.port = full.port()}});
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return host(full.port())->active.load() == 1; }));
    one.reset();
    EXPECT_TRUE(eventually([&] { return worker_counters().sessions.get() == 0; }));
    EXPECT_EQ(failures(Failure::client_gone), 1U);
}

TEST_F(Timeout, PooledConnectionsAreClosedWhenIdleForLong) {
    options_.hosts.idle_timeout = kShort;
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(counters().idle_connections.get(), 1U);
    one.close();
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; })) << "with no client left, too";
    EXPECT_EQ(counters().idle_connections.get(), 0U);
}

TEST_F(Timeout, ARefusedClientThatNeverClosesIsClosed) {
    options_.timeouts.linger = kShort;
    use(std::vector<TestHost>{});
    Socket one = client();
    EXPECT_EQ(one.request("nonsense\r\n\r\n").status(), 400);
    EXPECT_TRUE(eventually([&] { return worker_counters().sessions.get() == 0; }));
}

}  // namespace
}  // namespace steelyard::test
