// Plain TCP through a worker.
#include <thread>

#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

class Tunnel : public WorkerTest {
protected:
    void use_tcp(const std::vector<TestHost>& hosts) {
        if (!worker_) start(config::Protocol::tcp);
        use(hosts);
        // A connection made before the snapshot is there would be taken for HTTP.
    }
    void use_tcp(const Backend& backend) { use_tcp({{.port = backend.port()}}); }
};

void echo(Peer& peer) {
    for (std::string bytes; !(bytes = peer.read_some()).empty();) peer.send(bytes);
}

TEST_F(Tunnel, BytesTravelBothWays) {
    Backend backend(echo);
    use_tcp(backend);
    Socket one = client();
    for (const char* const text : {"hello", "GET / HTTP/1.1\r\n\r\n", "\n"}) {
        ASSERT_TRUE(one.send(text));
        EXPECT_EQ(one.read(std::string_view(text).size()), text);
    }
    EXPECT_EQ(counters().sessions.get(), 1U);
    EXPECT_EQ(counters().active_connections.get(), 1U);
    EXPECT_EQ(host(backend.port())->active.load(), 1U);
    EXPECT_EQ(counters().bytes_to_client.get(), counters().bytes_to_upstream.get());
    EXPECT_TRUE(eventually([&] { return buffer_bytes() == 0; })) << "an idle tunnel holds no buffer";
}

TEST_F(Tunnel, AHostThatSpeaksFirstIsHeard) {
    Backend backend([](Peer& peer) {
        peer.send("220 ready\r\n");
        peer.wait_end();
    });
    use_tcp(backend);
    EXPECT_EQ(client().read_until("\r\n"), "220 ready\r\n");
}

TEST_F(Tunnel, TwentyMegabytesTravelBothWaysAtOnceUnharmed) {
    const std::string data = pattern(20'000'000);
    Backend backend([&](Peer& peer) {
        std::thread sender([&] { peer.send(data); });
        EXPECT_TRUE(peer.read(data.size()) == data);
        sender.join();
    });
    use_tcp(backend);
    Socket one = client();
    std::thread sender([&] { one.send(data); });
    EXPECT_TRUE(one.read(data.size()) == data);
    sender.join();
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; }));
    EXPECT_GE(counters().bytes_to_client.get(), data.size());
    EXPECT_GE(counters().bytes_to_upstream.get(), data.size());
}

TEST_F(Tunnel, TheClientsHalfCloseReachesTheHostWhichCanStillSpeak) {
    const std::string data = pattern(500'000);
    Backend backend([&](Peer& peer) {
        EXPECT_TRUE(peer.read_to_end() == data);
        EXPECT_EQ(peer.end(), Socket::End::fin);
        peer.send("got it");
    });
    use_tcp(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(data));
    one.shutdown_write();
    EXPECT_EQ(one.read_to_end(), "got it");
    EXPECT_EQ(one.end(), Socket::End::fin);
}

TEST_F(Tunnel, TheHostsHalfCloseReachesTheClientWhichCanStillSpeak) {
    std::string got;
    Backend backend([&](Peer& peer) {
        peer.send("over to you");
        peer.shutdown_write();
        got = peer.read_to_end();
        EXPECT_EQ(peer.end(), Socket::End::fin);
    });
    use_tcp(backend);
    Socket one = client();
    EXPECT_EQ(one.read_to_end(), "over to you");
    ASSERT_TRUE(one.send("thanks"));
    one.close();
    ASSERT_TRUE(eventually([&] { return backend.open() == 0; }));
    EXPECT_EQ(got, "thanks");
}

TEST_F(Tunnel, AHostThatRefusesIsSkipped) {
    Backend good(echo);
    use_tcp({{.port = refused_port()}, {.port = good.port()}});
    for (int i = 0; i < 4; ++i) {
        Socket one = client();
        ASSERT_TRUE(one.send("hi"));
        EXPECT_EQ(one.read(2), "hi");
    }
    EXPECT_EQ(good.connections(), 4);
    EXPECT_GT(counters().connect_failures.get(), 0U);
}

TEST_F(Tunnel, AConnectThatHangsGoesToAnotherHost) {
    options_.timeouts.connect = Milliseconds{100};
    FullHost full;
    Backend good(echo);
    use_tcp({{.port = full.port()}, {.port = good.port()}});
    for (int i = 0; i < 2; ++i) {
        Socket one = client();
        ASSERT_TRUE(one.send("hi"));
        EXPECT_EQ(one.read(2), "hi") << "what the client sent meanwhile goes to the second host";
    }
}

TEST_F(Tunnel, WhenNobodyTakesTheConnectionTheClientIsReset) {
    use_tcp({{.port = refused_port()}, {.port = refused_port()}});
    EXPECT_EQ(client().wait_end(), Socket::End::reset);
    EXPECT_EQ(failures(Failure::connect), 1U);
    use_tcp(std::vector<TestHost>{});
    EXPECT_EQ(client().wait_end(), Socket::End::reset);
    EXPECT_EQ(failures(Failure::no_host), 1U);
}

TEST_F(Tunnel, AResetTravelsInBothDirections) {
    Backend resets([](Peer& peer) {
        if (peer.read(2) == "hi") peer.reset();
    });
    use_tcp(resets);
    Socket one = client();
    ASSERT_TRUE(one.send("hi"));
    EXPECT_EQ(one.wait_end(), Socket::End::reset);

    std::atomic<bool> seen{false};
    Backend sees([&](Peer& peer) {
        peer.read(2);
        seen = peer.wait_end() == Socket::End::reset;
    });
    use_tcp(sees);
    Socket two = client();
    ASSERT_TRUE(two.send("hi"));
    ASSERT_TRUE(eventually([&] { return counters().bytes_to_upstream.get() == 4; }));
    two.reset();
    EXPECT_TRUE(eventually([&] { return seen.load(); }));
}

TEST_F(Tunnel, AClientThatBreaksOffIsNoticedThoughTheHostReadsNothing) {
    std::atomic<bool> over{false};
    Backend deaf([&](Peer&) { EXPECT_TRUE(eventually([&] { return over.load(); })); });
    use_tcp(deaf);
    Socket one = client();
    std::thread sender([&] { one.send(std::string(30'000'000, 'x')); });
    uint64_t before = 0;
    EXPECT_TRUE(eventually([&] {
        const uint64_t now = counters().bytes_to_upstream.get();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return now != 0 && std::exchange(before, now) == now;
    }));
    EXPECT_LE(buffer_bytes(), 2 * BufferPool::kBulk);
    ::shutdown(one.fd(), SHUT_RDWR);  // ends send(); the reset follows
    sender.join();
    one.reset();
    EXPECT_TRUE(eventually([&] { return worker_counters().sessions.get() == 0; }));
    over = true;
}

TEST_F(Tunnel, AnIdleTunnelIsCutAfterItsTime) {
    options_.timeouts.tunnel_idle = Milliseconds{100};
    Backend backend(echo);
    use_tcp(backend);
    Socket one = client();
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    EXPECT_EQ(worker_counters().timeouts.get(), 1U);
}

TEST_F(Tunnel, TheDrainTimeOutOfItsHostCutsATunnel) {
    Backend backend(echo);
    use_tcp(backend);
    Socket one = client();
    ASSERT_TRUE(one.send("hi"));
    EXPECT_EQ(one.read(2), "hi");
    use_tcp({{.port = backend.port(), .draining = true}});
    ASSERT_TRUE(one.send("on"));
    EXPECT_EQ(one.read(2), "on");
    cut_after(backend, Milliseconds{0});
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    EXPECT_EQ(counters().drain_cuts.get(), 1U);
}

TEST_F(Tunnel, TheUpstreamsTimeOutsAreInThePlaceOfTheProcesss) {
    upstream_.policy.timeouts.connect_ms = 100;
    upstream_.policy.timeouts.tunnel_idle_ms = 100;
    FullHost full;
    Backend good(echo);
    use_tcp({{.port = full.port()}, {.port = good.port()}});
    for (int i = 0; i < 2; ++i) {
        Socket one = client();
        ASSERT_TRUE(one.send("hi"));
        EXPECT_EQ(one.read(2), "hi");
        EXPECT_EQ(one.wait_end(), Socket::End::reset) << "after being silent";
    }
    EXPECT_EQ(worker_counters().timeouts.get(), 2U);
}

TEST_F(Tunnel, AHostIsToldWhoTheClientIsBeforeAnythingElse) {
    upstream_.policy.proxy_protocol = config::ProxyProtocol::v1;
    Backend backend([](Peer& peer) {
        peer.send("[" + peer.read_until("\r\n") + "]");
        peer.send(peer.read_to_end());
    });
    use_tcp({{.port = refused_port()}, {.port = backend.port()}});
    for (int i = 0; i < 3; ++i) {
        Socket one = client();
        const std::string line = one.read_until("]");
        EXPECT_TRUE(line.starts_with("[PROXY TCP4 127.0.0.1 127.0.0.1 ")) << line;
        EXPECT_TRUE(line.ends_with(" " + std::to_string(port()) + "\r\n]")) << line;
        const std::string data = pattern(300'000);
        ASSERT_TRUE(one.send(data));
        one.shutdown_write();
        EXPECT_TRUE(one.read_to_end() == data);
    }
}

TEST_F(Tunnel, AThousandShortConnectionsLeaveNothingBehind) {
    Backend backend([](Peer& peer) { peer.send(peer.read(3)); });
    use_tcp(backend);
    for (int i = 0; i < 1000; ++i) {
        Socket one = client();
        ASSERT_TRUE(one.send("abc"));
        ASSERT_EQ(one.read_to_end(), "abc");
    }
    EXPECT_TRUE(eventually([&] { return worker_counters().sessions.get() == 0; }));
    EXPECT_EQ(counters().sessions.get(), 1000U);
}

}  // namespace
}  // namespace steelyard::test
