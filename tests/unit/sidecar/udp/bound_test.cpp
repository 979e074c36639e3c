// What goes through unharmed, where it comes from, and what bounds it all.
#include <sys/socket.h>

#include "tests/unit/sidecar/udp/udp_test.hpp"

namespace steelyard::test {
namespace {

using UdpBounds = UdpTest;

TEST_F(UdpBounds, DatagramsOfEveryLengthArriveWhole) {
    UdpEcho a("a");
    use(a);
    Datagrams one = asker();
    for (const size_t size : {0U, 1U, 512U, 1472U, 1473U, 9000U, 65'505U}) {
        const std::string data = pattern(size);
        EXPECT_TRUE(one.ask(data) == "a:" + data) << size;
    }
    EXPECT_EQ(one.ask("next"), "a:next") << "an empty datagram is no end";
}

TEST_F(UdpBounds, ManyDatagramsOfOneClientStayInOrder) {
    UdpEcho a("a");
    use(a);
    Datagrams one = asker();
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 40; ++i) ASSERT_TRUE(one.send(std::to_string(i)));
        for (int i = 0; i < 40; ++i) ASSERT_EQ(one.receive(), "a:" + std::to_string(i));
    }
}

TEST_F(UdpBounds, AThousandClientsEachHearTheirOwn) {
    UdpEcho a("a");
    UdpEcho b("b");
    use({{.port = a.port()}, {.port = b.port()}});
    std::vector<Datagrams> clients;
    for (int i = 0; i < 400; ++i) clients.push_back(asker());
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < clients.size(); ++i) ASSERT_TRUE(clients[i].send(std::to_string(i)));
        for (size_t i = 0; i < clients.size(); ++i) {
            const auto got = clients[i].receive();
            ASSERT_TRUE(got) << i;
            EXPECT_EQ(got->substr(2), std::to_string(i));
        }
    }
    EXPECT_EQ(udp().sessions.get(), clients.size());
}

TEST_F(UdpBounds, TheIdlestMakesRoomForANewClient) {
    options_.max_udp_sessions = 2;
    UdpEcho a("a");
    use(a);
    Datagrams one = asker();
    Datagrams two = asker();
    Datagrams three = asker();
    EXPECT_EQ(one.ask("1"), "a:1");
    EXPECT_EQ(two.ask("1"), "a:1");
    EXPECT_EQ(one.ask("2"), "a:2");
    EXPECT_EQ(three.ask("1"), "a:1");
    EXPECT_EQ(udp().active.get(), 2U);
    EXPECT_EQ(udp().evicted.get(), 1U);
    EXPECT_EQ(one.ask("3"), "a:3");
    EXPECT_EQ(udp().sessions.get(), 3U) << "the second had been silent for the longest";
}

TEST_F(UdpBounds, AStrangersDatagramDoesNotReachAClient) {
    Datagrams host;
    use({{.port = host.port()}});
    Datagrams one = asker();
    ASSERT_TRUE(one.send("who?"));
    SocketAddress session;
    ASSERT_EQ(host.receive(kPatience, &session), "who?");
    Datagrams stranger;
    ASSERT_TRUE(stranger.send_to("forged", session));
    ASSERT_TRUE(host.send_to("real", session));
    EXPECT_EQ(one.receive(), "real");
}

TEST_F(UdpBounds, OnEveryAddressAnswersComeFromTheOneThatWasAsked) {
    UdpEcho a("a");
    start("0.0.0.0");
    use(a);
    for (const std::string ip : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
        EXPECT_EQ(asker(ip).ask(ip), "a:" + ip) << "a connected socket takes no other's answer";
    }
    Datagrams one;
    for (const std::string ip : {"127.0.0.1", "127.0.0.2"}) {
        ASSERT_TRUE(one.send_to(ip, *SocketAddress::parse(ip, port_)));
        SocketAddress from;
        EXPECT_EQ(one.receive(kPatience, &from), "a:" + ip);
        EXPECT_EQ(from.ip(), ip);
    }
    EXPECT_EQ(udp().sessions.get(), 5U) << "one socket that asks two addresses is two clients";
}

TEST_F(UdpBounds, OnEveryAddressOfBothFamiliesToo) {
    UdpEcho a("a");
    start("::");
    use(a);
    Datagrams six("::1");
    six.connect("::1", port_);
    EXPECT_EQ(six.ask("6"), "a:6");
    Datagrams four;
    four.connect("127.0.0.3", port_);
    EXPECT_EQ(four.ask("4"), "a:4");
}

TEST_F(UdpBounds, AnIpv6ListenerServesIpv4Hosts) {
    UdpEcho a("a");
    start("::1");
    use(a);
    Datagrams six("::1");
    six.connect("::1", port_);
    EXPECT_EQ(six.ask("6"), "a:6");
    // As long as IPv6 can carry it, and too long for IPv4.
    ASSERT_TRUE(six.send(std::string(65'527, 'x')));
    EXPECT_TRUE(eventually([&] { return drops(UdpDrop::too_big) == 1; }));
    EXPECT_EQ(six.ask("on"), "a:on");
}

TEST_F(UdpBounds, AnAnswerThatIsTooLongIsDroppedAndCounted) {
    Datagrams host;
    use({{.port = host.port()}});
    Datagrams one = asker();
    ASSERT_TRUE(one.send("?"));
    SocketAddress session;
    ASSERT_TRUE(host.receive(kPatience, &session));
    ASSERT_TRUE(host.send_to(std::string(65'507, 'x'), session)) << "the longest there is on IPv4";
    EXPECT_EQ(one.receive()->size(), 65'507U);
}

TEST_F(UdpBounds, WhatTheKernelDropsIsCounted) {
    UdpEcho a("a");
    use(a);
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "a:1");
    std::atomic<bool> go{false};
    worker_->run([&](WorkerContext&) {
        while (!go) std::this_thread::yield();
    });
    const std::string big(60'000, 'x');
    for (int i = 0; i < 400; ++i) one.send(big);
    go = true;
    EXPECT_TRUE(eventually([&] { return drops(UdpDrop::queue_full) != 0; }));
}

}  // namespace
}  // namespace steelyard::test
