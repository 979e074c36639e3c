// What least-connections counts: whatever is open to a host, in use or idle, and never more.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Connections = WorkerTest;

TEST_F(Connections, IdleOnesInThePoolCountAndThoseThatCloseDoNot) {
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    const auto counted = host(backend.port());
    Socket one = client();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(one.request(kGet).status(), 200);
    settle();
    EXPECT_EQ(counted->active.load(), 0U);
    EXPECT_EQ(counted->connections.load(), 1U);
    use({{.port = backend.port(), .draining = true}});
    EXPECT_TRUE(eventually([&] { return counted->connections.load() == 0; })) << "the pool was closed";
}

TEST_F(Connections, OneThatIsRefusedIsNone) {
    const uint16_t nobody = refused_port();
    use({{.port = nobody}});
    EXPECT_EQ(client().request(kGet).status(), 502);
    EXPECT_TRUE(eventually([&] { return host(nobody)->connections.load() == 0; }));
}

TEST_F(Connections, ATunnelIsOne) {
    Backend backend([](Peer& peer) { peer.wait_end(); });
    start(config::Protocol::tcp);
    use(backend);
    const auto counted = host(backend.port());
    {
        Socket one = client();
        Socket two = client();
        EXPECT_TRUE(eventually([&] { return counted->connections.load() == 2; }));
        EXPECT_EQ(counted->active.load(), 2U);
    }
    EXPECT_TRUE(eventually([&] { return counted->connections.load() == 0; }));
}

TEST_F(Connections, AnUpgradedOneGoesOnCounting) {
    Backend backend([](Peer& peer) {
        if (!peer.next()) return;
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        peer.wait_end();
    });
    use(backend);
    const auto counted = host(backend.port());
    {
        Socket one = client();
        ASSERT_TRUE(one.send("GET / HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
        EXPECT_NE(one.read_until("\r\n\r\n"), "");
        settle();
        EXPECT_EQ(counted->connections.load(), 1U);
    }
    EXPECT_TRUE(eventually([&] { return counted->connections.load() == 0; }));
}

TEST_F(Connections, LeastConnectionsPrefersTheHostThatHoldsFewer) {
    upstream_.policy.algorithm = config::Algorithm::least_connections;
    Backend busy([](Peer& peer) {
        if (peer.next()) peer.wait_end();
    });
    Backend free(serve([](const Message&) { return ok("free"); }));
    use(busy);
    std::vector<Socket> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.push_back(client());
        ASSERT_TRUE(waiting.back().send(kGet));
    }
    ASSERT_TRUE(eventually([&] { return busy.requests() == 3; }));
    use({{.port = busy.port()}, {.port = free.port()}});
    Socket one = client();
    for (int i = 0; i < 30; ++i) EXPECT_EQ(one.request(kGet).body, "free");
}

}  // namespace
}  // namespace steelyard::test
