// Connection: upgrade, as WebSockets use it.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Upgrade = WorkerTest;

constexpr std::string_view kUpgrade = "GET /chat HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
constexpr std::string_view kSwitch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

void echo(Peer& peer) {
    for (std::string bytes; !(bytes = peer.read_some()).empty();) peer.send(bytes);
}

TEST_F(Upgrade, BytesTravelBothWaysAfterwards) {
    Backend backend([](Peer& peer) {
        const Message request = peer.next();
        EXPECT_EQ(request.field("upgrade"), "echo");
        EXPECT_EQ(request.field("connection"), "upgrade");
        peer.send(kSwitch);
        echo(peer);
    });
    use(backend);
    Socket one = client();
    const Message answer = one.request(kUpgrade);
    EXPECT_EQ(answer.status(), 101);
    EXPECT_EQ(answer.field("upgrade"), "echo");
    EXPECT_EQ(answer.field("connection"), "upgrade");
    const std::string data = pattern(100'000);
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(one.send(data));
        ASSERT_TRUE(one.read(data.size()) == data);
    }
    EXPECT_EQ(counters().active_connections.get(), 1U);
    EXPECT_EQ(counters().sessions.get(), 1U);
    EXPECT_EQ(worker_counters().sessions.get(), 1U);
    EXPECT_EQ(host(backend.port())->active.load(), 1U);
    EXPECT_TRUE(eventually([&] { return buffer_bytes() == 0; })) << "an idle tunnel holds no buffer";
}

TEST_F(Upgrade, BytesRightBehindTheSwitchReachTheClient) {
    // From nothing to more than a buffer: what is behind the head in the first read must not be lost.
    for (const size_t size : {1U, 5'000U, 20'300U, 20'379U, 20'480U, 30'000U, 300'000U}) {
        const std::string data = pattern(size);
        Backend backend([&](Peer& peer) {
            if (!peer.next()) return;
            peer.send(std::string(kSwitch) + data);
            echo(peer);
        });
        use(backend);
        Socket one = client();
        EXPECT_EQ(one.request(kUpgrade).status(), 101);
        EXPECT_TRUE(one.read(size) == data) << size;
        ASSERT_TRUE(one.send("ping"));
        EXPECT_EQ(one.read(4), "ping") << size;
    }
}

TEST_F(Upgrade, ASwitchWithAShortHeadLosesNothingOfAFullBuffer) {
    // The head that goes on is longer than the one that came.
    const std::string data = pattern(40'000);
    Backend backend([&](Peer& peer) {
        if (!peer.next()) return;
        peer.send("HTTP/1.1 101\r\nUpgrade:echo\r\nConnection:upgrade\r\nA:b\r\nC:d\r\nE:f\r\n\r\n" + data);
        echo(peer);
    });
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kUpgrade).status(), 101);
    EXPECT_TRUE(one.read(data.size()) == data);
}

TEST_F(Upgrade, BytesRightBehindTheRequestReachTheHost) {
    Backend backend([](Peer& peer) {
        if (!peer.next()) return;
        peer.send(kSwitch);
        echo(peer);
    });
    use(backend);
    Socket one = client();
    const std::string data = pattern(3000);
    EXPECT_EQ(one.request(std::string(kUpgrade) + data).status(), 101);
    EXPECT_TRUE(one.read(data.size()) == data);
}

TEST_F(Upgrade, ASwitchBeforeTheRequestIsWholeIsNoAnswer) {
    Backend backend([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send(kSwitch);
        peer.read_to_end();
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(
        "POST /chat HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 9\r\n\r\nabc"));
    EXPECT_EQ(one.read_response().status(), 502);
    EXPECT_EQ(failures(Failure::upstream_protocol), 1U);
}

TEST_F(Upgrade, ASwitchThatNobodyAskedForIsNoAnswer) {
    Backend backend(serve([](const Message&) { return std::string(kSwitch); }));
    use(backend);
    EXPECT_EQ(client().request(kGet).status(), 502);
    EXPECT_EQ(failures(Failure::upstream_protocol), 1U);
}

TEST_F(Upgrade, AHostThatDeclinesAnswersAsUsual) {
    Backend backend(serve([](const Message&) { return ok("no"); }));
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kUpgrade).body, "no");
    EXPECT_EQ(one.request(kGet).body, "no");
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Upgrade, TheClientsEndReachesTheHostAndTheHostsLastBytesTheClient) {
    Backend backend([](Peer& peer) {
        if (!peer.next()) return;
        peer.send(kSwitch);
        peer.send("you said: " + peer.read_to_end());
    });
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kUpgrade).status(), 101);
    ASSERT_TRUE(one.send("goodbye"));
    one.shutdown_write();
    EXPECT_EQ(one.read_to_end(), "you said: goodbye");
    EXPECT_EQ(one.end(), Socket::End::fin);
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; }));
}

}  // namespace
}  // namespace steelyard::test
