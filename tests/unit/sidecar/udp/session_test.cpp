// Whose datagrams go where, and for how long.
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/unit/sidecar/udp/udp_test.hpp"

namespace steelyard::test {
namespace {

using UdpSessions = UdpTest;

TEST_F(UdpSessions, AClientStaysWithItsHostAndAnswersComeFromTheListener) {
    UdpEcho a("a");
    UdpEcho b("b");
    use({{.port = a.port()}, {.port = b.port()}});
    Datagrams one = asker();
    Datagrams two = asker();
    const std::string first = one.ask("1");
    const std::string second = two.ask("1");
    EXPECT_NE(first, second) << "the two are dealt out in turn";
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(one.ask("1"), first);
        EXPECT_EQ(two.ask("1"), second);
    }
    EXPECT_EQ(udp().sessions.get(), 2U);
    EXPECT_EQ(udp().active.get(), 2U);
    EXPECT_EQ(udp().to_upstream.get(), 42U);
    EXPECT_EQ(udp().to_client.get(), 42U);
    EXPECT_EQ(counters().bytes_to_upstream.get(), 42U);
    EXPECT_EQ(counters().bytes_to_client.get(), 42U * 3);
    EXPECT_EQ(host(a.port())->active.load(), 1U);
    EXPECT_EQ(host(a.port())->requests.load(), 1U);
}

TEST_F(UdpSessions, ClientsAreSharedOutByWeight) {
    UdpEcho a("a");
    UdpEcho b("b");
    use({{.port = a.port(), .weight = 3}, {.port = b.port(), .weight = 1}});
    int of_a = 0;
    for (int i = 0; i < 40; ++i) of_a += asker().ask("")[0] == 'a' ? 1 : 0;
    EXPECT_EQ(of_a, 30);
}

TEST_F(UdpSessions, AClientsHashFindsTheSameHostInEverySession) {
    UdpEcho a("a");
    UdpEcho b("b");
    upstream_.policy.algorithm = config::Algorithm::maglev;
    use({{.port = a.port()}, {.port = b.port()}});
    std::set<std::string> answers;
    for (int i = 0; i < 20; ++i) answers.insert(asker().ask("x"));
    EXPECT_EQ(answers.size(), 1U) << "all clients have one address here";
}

TEST_F(UdpSessions, WhenItsHostLeavesTheNextDatagramGoesToAnother) {
    UdpEcho a("a");
    UdpEcho b("b");
    use(a);
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "a:1");
    use({{.port = a.port()}, {.port = b.port()}});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(one.ask("2"), "a:2") << "a new host is no reason to move";
    use(b);
    EXPECT_EQ(one.ask("3"), "b:3");
    EXPECT_EQ(udp().sessions.get(), 1U);
    EXPECT_EQ(seen_.front()->active.load(), 0U);
}

TEST_F(UdpSessions, ADrainingHostKeepsItsClientsUntilItsTimeIsOver) {
    UdpEcho a("a");
    UdpEcho b("b");
    use(a);
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "a:1");
    use({{.port = a.port(), .draining = true}, {.port = b.port()}});
    EXPECT_EQ(one.ask("2"), "a:2");
    EXPECT_EQ(asker().ask("3"), "b:3") << "nothing new";
    host(a.port())->cut_after_ms = 1;  // long past, but not before the session began
    const auto now = std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch()).count();
    host(a.port())->cut_after_ms = now;
    EXPECT_TRUE(eventually([&] { return one.ask("4") == "b:4"; }));
}

TEST_F(UdpSessions, AHostThatIsDownLosesItsClients) {
    UdpEcho a("a");
    UdpEcho b("b");
    use({{.port = a.port()}, {.port = b.port(), .weight = 0}});
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "a:1");
    use({{.port = a.port()}, {.port = b.port()}});
    host(a.port())->health = Health::down;
    EXPECT_EQ(one.ask("2"), "b:2");
    host(b.port())->health = Health::down;
    ASSERT_TRUE(one.send("3"));
    EXPECT_TRUE(eventually([&] { return drops(UdpDrop::no_host) == 1; }));
    host(a.port())->health = Health::up;
    EXPECT_EQ(one.ask("4"), "a:4") << "the session is still there";
}

TEST_F(UdpSessions, AHostThatRefusesIsPassedOver) {
    UdpEcho good("good");
    use({{.port = refused_udp_port()}, {.port = good.port()}});
    for (int i = 0; i < 4; ++i) {
        Datagrams one = asker();
        ASSERT_TRUE(one.send("lost, perhaps"));
        one.receive(std::chrono::milliseconds(50));
        EXPECT_EQ(one.ask("again"), "good:again");
    }
    EXPECT_GT(counters().connect_failures.get(), 0U);
    EXPECT_LE(good.datagrams(), 8) << "what was sent to the other is not sent again";
}

// Whose host answered and then says nothing, as when its node is gone. The port is taken, so that nothing is refused either.
TEST_F(UdpSessions, AHostThatFallsSilentLosesItsClientsAndIsEjected) {
    auto lost = std::make_unique<UdpEcho>("lost");
    const uint16_t port = lost->port();
    UdpEcho good("good");
    use({{.port = port}, {.port = good.port(), .weight = 0}});
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "lost:1");
    use({{.port = port}, {.port = good.port()}});
    lost.reset();
    Datagrams mute("127.0.0.1", port);
    std::string answer;
    EXPECT_TRUE(eventually([&] {
        if (!one.send("2")) return false;
        answer = one.receive(std::chrono::milliseconds(200)).value_or("");
        return !answer.empty();
    }));
    EXPECT_EQ(answer, "good:2");
    EXPECT_EQ(counters().ejections.get(), 1U);
    EXPECT_EQ(udp().active.get(), 1U) << "the same session";
}

// Its answer comes late, to the socket that it was asked from: who has no other host keeps that.
TEST_F(UdpSessions, TheOnlyHostIsKeptHoweverLongItIsSilent) {
    auto slow = std::make_unique<UdpEcho>("slow");
    const uint16_t port = slow->port();
    use(*slow);
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "slow:1");
    slow.reset();
    Datagrams mute("127.0.0.1", port);
    SocketAddress asked_from;
    ASSERT_TRUE(one.send("2"));
    ASSERT_TRUE(mute.receive(kPatience, &asked_from));
    EXPECT_TRUE(eventually([&] { return one.send("3") && counters().connect_failures.get() == 2; }));
    EXPECT_TRUE(mute.send_to("late", asked_from));
    EXPECT_EQ(one.receive(), "late");
}

TEST_F(UdpSessions, TheOnlyHostIsTriedAgainWhenItIsBack) {
    const uint16_t later = refused_udp_port();
    use({{.port = later}});
    Datagrams one = asker();
    ASSERT_TRUE(one.send("lost"));
    ASSERT_TRUE(eventually([&] { return counters().connect_failures.get() == 1; }));
    UdpEcho back("back", later);
    EXPECT_EQ(one.ask("now"), "back:now");
}

TEST_F(UdpSessions, WithoutAHostDatagramsAreDroppedAndNothingIsKept) {
    start();
    Datagrams one = asker();
    ASSERT_TRUE(one.send("before any configuration"));
    use(std::vector<TestHost>{});
    ASSERT_TRUE(one.send("no host"));
    EXPECT_TRUE(eventually([&] { return drops(UdpDrop::no_host) != 0; }));
    EXPECT_TRUE(eventually([&] { return udp().active.get() == 0; }));
    UdpEcho a("a");
    use(a);
    EXPECT_EQ(one.ask("1"), "a:1");
}

TEST_F(UdpSessions, AnUpstreamOfTcpIsServedNoDatagrams) {
    UdpEcho a("a");
    upstream_.protocol = config::Protocol::tcp;
    use(a);
    Datagrams one = asker();
    ASSERT_TRUE(one.send("1"));
    EXPECT_TRUE(eventually([&] { return drops(UdpDrop::wrong_protocol) == 1; }));
    EXPECT_EQ(a.datagrams(), 0);
}

TEST_F(UdpSessions, AnUpstreamOfUdpIsServedNoConnections) {
    upstream_.protocol = config::Protocol::udp;
    WorkerTest::start(config::Protocol::udp);
    WorkerTest::use({{.port = refused_udp_port()}});
    EXPECT_NE(client().wait_end(), Socket::End::timeout);
    EXPECT_EQ(failures(Failure::no_host), 1U);
}

TEST_F(UdpSessions, ASessionEndsWhenItIsSilent) {
    options_.timeouts.udp_idle = Milliseconds{300};
    UdpEcho a("a");
    use(a);
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "a:1");
    EXPECT_TRUE(eventually([&] { return udp().active.get() == 0; }));
    EXPECT_EQ(one.ask("2"), "a:2");
    EXPECT_EQ(udp().sessions.get(), 2U);
}

TEST_F(UdpSessions, ThePolicysIdleTimeIsInThePlaceOfTheProcesss) {
    upstream_.policy.timeouts.udp_idle_ms = 200;
    UdpEcho a("a");
    use(a);
    EXPECT_EQ(asker().ask("1"), "a:1");
    EXPECT_TRUE(eventually([&] { return udp().active.get() == 0; }));
}

TEST_F(UdpSessions, WhenTheListenersCloseThoseThatHaveASessionGoOn) {
    UdpEcho a("a");
    use(a);
    Datagrams one = asker();
    EXPECT_EQ(one.ask("1"), "a:1");
    worker_->drain();
    EXPECT_EQ(asker().ask("2"), "a:2") << "draining is not yet closing";
    worker_->close_listeners();
    settle();
    EXPECT_EQ(one.ask("3"), "a:3");
    Datagrams late = asker();
    ASSERT_TRUE(late.send("4"));
    EXPECT_TRUE(eventually([&] { return drops(UdpDrop::draining) == 1; }));
    EXPECT_EQ(udp().active.get(), 2U);
}

TEST_F(UdpSessions, ARemovedListenerEndsItsSessionsAndFreesThePort) {
    UdpEcho a("a");
    use(a);
    EXPECT_EQ(asker().ask("1"), "a:1");
    worker_->remove_listener("test");
    settle();
    EXPECT_EQ(udp().active.get(), 0U);
    Datagrams taken("127.0.0.1", port_);
}

TEST_F(UdpSessions, TheEndOfASessionIsALineOfTheAccessLog) {
    access_log::Options options;
    options.target = access_log::Target::file;
    options.path = (std::filesystem::temp_directory_path() / ("udp-log-" + std::to_string(getpid()))).string();
    access_log_ = std::move(*access_log::AccessLog::open(options, 1));
    options_.timeouts.udp_idle = Milliseconds{100};
    UdpEcho a("a");
    use(a);
    EXPECT_EQ(asker().ask("12345"), "a:12345");
    EXPECT_TRUE(eventually([&] { return udp().active.get() == 0; }));
    access_log_->stop();
    std::ifstream file(options.path);
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    std::filesystem::remove(options.path);
    for (const std::string part : {R"("protocol":"UDP")", R"("request_bytes":5)", R"("response_bytes":7)",
                                   R"("failure":null)", R"("upstream":"shop/web:http")", R"("tries":1)"}) {
        EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
    }
}

}  // namespace
}  // namespace steelyard::test
