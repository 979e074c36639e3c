// Hosts and clients that break off in the middle: what is held is asked for elsewhere, what has begun is cut visibly.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Cut = WorkerTest;

// Sends a part of an answer and breaks off, the first time; answers properly on later connections.
Backend::Script break_off(std::string part, bool reset) {
    return [part, reset](Peer& peer) {
        if (!peer.next()) return;
        peer.send(part);
        if (reset) peer.reset();
    };
}

// A host says a second answer to the first client's request while the second client's request waits to be read: the worker hears
// of both at once, of the request first.
TEST_F(Cut, AnAnswerThatWasThereBeforeTheRequestIsNobodys) {
    std::atomic<bool> go = false;
    std::atomic<bool> gone = false;
    Backend backend([&](Peer& peer) {
        if (peer.number != 0) return serve([](const Message&) { return ok("fresh"); })(peer);
        peer.next();
        peer.send(ok("first"));
        eventually([&] { return go.load(); });
        peer.send(ok("poison"));
        gone = true;
        peer.read_to_end();
    });
    use(backend);
    Socket one = client();
    Socket two = client();
    EXPECT_EQ(one.request(kGet).body, "first");
    settle();
    std::atomic<bool> held = false;
    std::atomic<bool> release = false;
    worker_->run([&](WorkerContext&) {
        held = true;
        eventually([&] { return release.load(); });
    });
    ASSERT_TRUE(eventually([&] { return held.load(); }));
    ASSERT_TRUE(two.send(kGet));
    go = true;
    ASSERT_TRUE(eventually([&] { return gone.load(); }));
    std::this_thread::sleep_for(Milliseconds(20));  // through the loopback
    release = true;
    EXPECT_EQ(two.read_response().body, "fresh");
    EXPECT_EQ(backend.connections(), 2);
}

TEST_F(Cut, AnAnswerCutWithinAStreamedBodyIsCutForTheClient) {
    for (const bool reset : {false, true}) {
        for (const std::string& part : {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(100'000, 'x'),
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc")}) {
            Backend bad(break_off(part, reset));
            use(bad);
            Socket one = client();
            ASSERT_TRUE(one.send(kGet));
            EXPECT_NE(one.read_until("\r\n\r\n"), "");
            EXPECT_EQ(one.wait_end(), Socket::End::reset) << "a proper end would pass for a whole answer";
        }
    }
    EXPECT_EQ(failures(Failure::upstream_cut), 4U);
}

TEST_F(Cut, AnAnswerThatEndsWithAResetInsteadOfAnEndIsCut) {
    Backend bad(break_off("HTTP/1.1 200 OK\r\n\r\n" + std::string(1000, 'x'), true));
    use(bad);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
}

TEST_F(Cut, AMalformedChunkInTheAnswerIsACut) {
    Backend bad(serve([](const Message&) {
        return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc") + "zzz\r\n";
    }));
    use(bad);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    EXPECT_EQ(failures(Failure::upstream_cut), 1U);
}

TEST_F(Cut, AHostThatDiesBetweenHeadAndBodyCostsAGetNothing) {
    for (const bool reset : {false, true}) {
        for (const char* const part :
             {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
              "HTTP/1.1 200 OK\r\nContent-Le"}) {
            Backend bad(break_off(part, reset));
            Backend good(serve([](const Message&) { return ok("whole"); }));
            use({{.port = bad.port()}, {.port = good.port()}});
            Socket one = client();
            for (int i = 0; i < 4; ++i) {
                const Message answer = one.request(kGet);
                EXPECT_EQ(answer.body, "whole") << part << answer.head;
            }
            EXPECT_GT(bad.requests(), 0);
        }
    }
    EXPECT_EQ(failures(Failure::upstream_cut), 0U);
    EXPECT_EQ(counters().responses[2].get(), 24U);
}

TEST_F(Cut, APostWhoseAnswerIsCutIsNotAskedForAgain) {
    Backend bad(break_off("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false));
    use(bad);
    Socket one = client();
    ASSERT_TRUE(one.send(with_length("POST", "order")));
    EXPECT_NE(one.read_until("\r\n\r\n"), "") << "what is not asked for again is not held either";
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    EXPECT_EQ(bad.requests(), 1);
}

TEST_F(Cut, AHeldAnswerGoesOutWholeAndTheConnectionStays) {
    const std::string data = pattern(15'000);
    Backend backend([&](Peer& peer) {
        while (const Message request = peer.next()) {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15000\r\n\r\n");
            for (size_t i = 0; i < data.size(); i += 1500) {
                ASSERT_TRUE(peer.send(data.substr(i, 1500)));
                std::this_thread::sleep_for(std::chrono::milliseconds(1));  // packets of their own
            }
        }
    });
    use(backend);
    Socket one = client();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(one.request(kGet).body == data);
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Cut, NothingOfAHeldAnswerIsSentBeforeItIsWhole) {
    std::atomic<bool> go_on{false};
    Backend backend([&](Peer& peer) {
        if (!peer.next()) return;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
        peer.send("cd");
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return counters().bytes_to_upstream.get() > 0; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(counters().bytes_to_client.get(), 0U);
    go_on = true;
    EXPECT_EQ(one.read_response().body, "abcd");
}

TEST_F(Cut, ALongAnswerIsNotHeld) {
    std::atomic<bool> go_on{false};
    Backend backend([&](Peer& peer) {
        if (!peer.next()) return;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nfirst");
        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
        peer.send(std::string(99'995, 'x'));
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    EXPECT_NE(one.read_until("first"), "");
    go_on = true;
    EXPECT_EQ(one.read(99'995).size(), 99'995U);
}

TEST_F(Cut, AClientThatBreaksOffEndsTheHostsRequestToo) {
    Backend backend([](Peer& peer) {
        if (!peer.next()) return;
        EXPECT_NE(peer.wait_end(), Socket::End::timeout);
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return backend.requests() == 1; }));
    EXPECT_EQ(host(backend.port())->active.load(), 1U);
    one.reset();
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; }));
    EXPECT_TRUE(eventually([&] { return host(backend.port())->active.load() == 0; }));
    EXPECT_EQ(failures(Failure::client_gone), 1U);
}

TEST_F(Cut, AClientThatLeavesWithinItsBodyEndsTheHostsRequestVisibly) {
    Backend backend([](Peer& peer) {
        peer.read_until("abc");
        EXPECT_EQ(peer.wait_end(), Socket::End::reset) << "half a body must not look like a whole one";
    });
    use(backend);
    for (const bool reset : {false, true}) {
        Socket one = client();
        ASSERT_TRUE(one.send("POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc")));
        ASSERT_TRUE(eventually([&] { return backend.open() == 1 && host(backend.port())->active.load() == 1; }));
        settle();
        reset ? one.reset() : one.close();
        EXPECT_TRUE(eventually([&] { return backend.open() == 0; }));
    }
    EXPECT_EQ(failures(Failure::client_gone), 2U);
}

TEST_F(Cut, AClientThatBreaksOffWithinALongAnswerEndsTheHostsSide) {
    std::atomic<bool> failed{false};
    Backend backend([&](Peer& peer) {
        if (peer.next()) failed = !peer.send(ok(std::string(50'000'000, 'x')));
    });
    use(backend);
    Socket one = client(4096);
    ASSERT_TRUE(one.send(kGet));
    EXPECT_EQ(one.read(1000).size(), 1000U);
    one.reset();
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; }));
    EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace steelyard::test
