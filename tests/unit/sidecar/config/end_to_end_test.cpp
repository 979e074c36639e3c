// What the push server and its clients do with each other.
#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/sidecar/config/end_to_end.hpp"

namespace steelyard {
namespace {

using ::testing::HasSubstr;

TEST_F(PushEndToEnd, ASnapshotThenADeltaReachTheProxyAndAreAcknowledged) {
    start();
    server_->publish({{upstream("s/a:http"), slice("s/a:http", 1)}, {}});
    auto& p = proxy("web-0");
    ASSERT_TRUE(soon([&] { return p.stats().in_sync; }));
    EXPECT_EQ(p.port_of("s/a:http"), 1);
    EXPECT_EQ(p.changes.at(0).changed, std::vector<std::string>{"s/a:http"});
    server_->publish({{slice("s/a:http", 2)}, {}});
    ASSERT_TRUE(soon([&] { return p.port_of("s/a:http") == 2; }));
    ASSERT_TRUE(soon([&] { return server_->stats().acks == 2; }));
    const auto stats = server_->stats();
    ASSERT_EQ(stats.proxies.size(), 1u);
    EXPECT_EQ(stats.proxies[0].name, "web-0");
    EXPECT_EQ(stats.proxies[0].acked_version, "e1.2");
    EXPECT_EQ(stats.version, "e1.2");
    EXPECT_FALSE(stats.proxies[0].behind);
    EXPECT_EQ(stats.snapshots, 1u);
    EXPECT_EQ(stats.deltas, 1u);
    EXPECT_EQ(p.stats().snapshots, 1u);
    EXPECT_EQ(p.stats().deltas, 1u);
    EXPECT_EQ(p.stats().config_age_seconds, 0);
}

TEST_F(PushEndToEnd, NothingIsPushedBeforeTheServerIsReady) {
    start({}, false);
    auto& p = proxy("web-0");
    ASSERT_TRUE(soon([&] { return server_->stats().sessions == 1; }));
    server_->publish({{upstream("s/a:http"), slice("s/a:http", 1)}, {}});
    io_.restart();
    io_.run_for(30ms);
    EXPECT_EQ(p.stats().bytes, 0u);
    server_->set_ready();
    ASSERT_TRUE(soon([&] { return p.port_of("s/a:http") == 1; }));
}

TEST_F(PushEndToEnd, AReconnectResumesWithADeltaAndANewEpochWithASnapshot) {
    start();
    server_->publish({{upstream("s/a:http"), slice("s/a:http", 1), upstream("s/b:http")}, {}});
    auto& p = proxy("web-0");
    ASSERT_TRUE(soon([&] { return p.stats().in_sync; }));
    const uint16_t port = stop_server();
    ASSERT_TRUE(soon([&] { return !p.stats().connected; }));
    EXPECT_EQ(p.port_of("s/a:http"), 1) << "the last good configuration stays in force";
    start({}, true, port);
    server_->publish({{slice("s/a:http", 2)}, {}});
    ASSERT_TRUE(soon([&] { return p.port_of("s/a:http") == 2; }));
    EXPECT_EQ(p.stats().snapshots, 1u) << "resumed by version";
    stop_server();
    cache_ = std::make_unique<PushCache>("e2");
    cache_->publish({{upstream("s/a:http"), slice("s/a:http", 3)}, {}});
    start({}, true, port);
    ASSERT_TRUE(soon([&] { return p.port_of("s/a:http") == 3; }));
    EXPECT_EQ(p.stats().snapshots, 2u);
    EXPECT_FALSE(p.state.find("s/b:http")) << "the snapshot does not name it";
    EXPECT_GE(p.stats().disconnects, 2u);
}

TEST_F(PushEndToEnd, ARestoredStateIsResumedOnlyUnderTheSameSubscription) {
    start();
    server_->publish({{upstream("s/a:http")}, {}});
    TestProxy same{io_, server_->port(), "same"};
    TestProxy other{io_, server_->port(), "other"};
    ClientOptions options;
    options.wants = {"*"};
    for (auto* p : {&same, &other}) ASSERT_TRUE(p->state.apply(push::Snapshot{"e1.1", {upstream("s/a:http")}}).applied);
    same.state.set_subscription(ConfigClient::subscription_of(options));
    options.wants = {"s/x:80"};
    other.state.set_subscription(ConfigClient::subscription_of(options));
    same.client->start();
    other.client->start();
    ASSERT_TRUE(soon([&] { return same.stats().in_sync && other.stats().in_sync; }));
    EXPECT_EQ(same.stats().snapshots, 0u);
    EXPECT_EQ(other.stats().snapshots, 1u);
    EXPECT_TRUE(same.changes.empty()) << "nothing changed, nobody is called";
    EXPECT_TRUE(other.changes.empty()) << "the snapshot said what it had";
}

TEST_F(PushEndToEnd, ASlowProxyGetsOneDeltaForAllThatHappenedMeanwhile) {
    start();
    server_->publish({{upstream("s/a:http"), slice("s/a:http", 1)}, {}});
    const auto peer = raw_peer();
    peer->link->send(hello("slow"));
    ASSERT_TRUE(soon([&] { return peer->heard.size() == 1; }));
    for (uint16_t port = 2; port <= 100; ++port) server_->publish({{slice("s/a:http", port)}, {}});
    ASSERT_TRUE(soon([&] { return server_->stats().proxies.size() == 1 && server_->stats().proxies[0].behind; }));
    peer->link->send(push::encode(push::Ack{"e1.1"}));
    ASSERT_TRUE(soon([&] { return peer->heard.size() == 2; }));
    EXPECT_THAT(peer->heard[1], HasSubstr(R"("base":"e1.1","version":"e1.100")"));
    EXPECT_EQ(server_->stats().deltas, 1u);
    peer->link->close();
}

TEST_F(PushEndToEnd, ANackIsShownWithItsReasonsAndOthersGoOn) {
    start();
    server_->publish({{upstream("s/a:http")}, {}});
    const auto peer = raw_peer();
    peer->link->send(hello("picky"));
    ASSERT_TRUE(soon([&] { return peer->heard.size() == 1; }));
    peer->link->send(push::encode(push::Nack{"e1.1", {{"upsert[0].name", "I do not like it"}}}));
    ASSERT_TRUE(soon([&] { return server_->stats().nacks == 1; }));
    const auto stats = server_->stats();
    EXPECT_EQ(stats.proxies.at(0).nacked_version, "e1.1");
    EXPECT_EQ(stats.proxies.at(0).nack_errors.at(0).to_string(), "upsert[0].name: I do not like it");
    EXPECT_TRUE(stats.proxies.at(0).behind);
    auto& p = proxy("web-0");
    ASSERT_TRUE(soon([&] { return p.stats().in_sync; }));
    peer->link->close();
}

TEST_F(PushEndToEnd, ASecondInstanceOfANameIsRefusedUntilTheFirstIsGone) {
    start();
    auto& first = proxy("web-0", "one");
    ASSERT_TRUE(soon([&] { return first.stats().in_sync; }));
    auto& second = proxy("web-0", "two");
    ASSERT_TRUE(soon([&] { return second.stats().name_in_use >= 2; }));
    EXPECT_GE(server_->stats().refused.at("name_in_use"), 2u);
    EXPECT_THAT(second.stats().last_error, HasSubstr("name_in_use"));
    EXPECT_TRUE(first.stats().in_sync);
    first.client->stop();
    ASSERT_TRUE(soon([&] { return second.stats().in_sync; }));
}

TEST_F(PushEndToEnd, TheSameInstanceReplacesItsOwnOldSession) {
    start();
    const auto old = raw_peer();
    old->link->send(hello("web-0", "same"));
    ASSERT_TRUE(soon([&] { return old->heard.size() == 1; }));
    const auto fresh = raw_peer();
    fresh->link->send(hello("web-0", "same"));
    ASSERT_TRUE(soon([&] { return fresh->heard.size() == 1 && old->closed; }));
    EXPECT_THAT(old->heard.back(), HasSubstr(R"("code":"replaced")"));
    EXPECT_FALSE(fresh->closed);
    ASSERT_TRUE(soon([&] { return server_->stats().proxies.size() == 1; }));
    EXPECT_EQ(server_->stats().refused.count("name_in_use"), 0u);
    fresh->link->close();
}

TEST_F(PushEndToEnd, GarbageAndOversizeMessagesEndTheirOwnConnectionOnly) {
    start();
    auto& p = proxy("web-0");
    ASSERT_TRUE(soon([&] { return p.stats().in_sync; }));
    const auto garbage = raw_peer();
    garbage->link->send("\x01garbage{{{");
    ASSERT_TRUE(soon([&] { return garbage->closed; }));
    ASSERT_EQ(garbage->heard.size(), 1u);
    EXPECT_THAT(garbage->heard[0], HasSubstr(R"({"type":"error","code":"bad_hello")"));
    const auto huge = raw_peer();
    huge->link->send(std::string(push::kMaxFrameToController + 1, 'x'));
    ASSERT_TRUE(soon([&] { return huge->closed; }));
    EXPECT_EQ(raw_tcp("\x16\x03\x01 not http at all\r\n\r\n"), "");
    EXPECT_THAT(raw_tcp("GET /push HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("426 Upgrade Required"));
    EXPECT_EQ(raw_tcp("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'y') + "\r\n\r\n"), "");
    const auto lost = raw_peer("/elsewhere");
    EXPECT_FALSE(lost->open);
    EXPECT_TRUE(soon([&] { return server_->stats().connections == 1; }));
    EXPECT_EQ(server_->stats().refused.at("bad_hello"), 1u);
    EXPECT_TRUE(p.stats().in_sync);
}

TEST_F(PushEndToEnd, WhoDawdlesOrComesTooManyIsTurnedAway) {
    ServerOptions options;
    options.handshake_timeout = 100ms;
    options.max_connections = 2;
    options.session.hello_timeout = 100ms;
    start(options);
    EXPECT_EQ(raw_tcp("GET /push HTT"), "") << "half a request";
    const auto silent = raw_peer();
    const auto patient = raw_peer();
    patient->link->send(hello("patient"));
    EXPECT_EQ(raw_tcp("GET /push HTTP/1.1\r\n\r\n"), "") << "a third connection";
    EXPECT_EQ(server_->stats().refused.at("max_connections"), 1u);
    ASSERT_TRUE(soon([&] { return silent->closed; }));
    EXPECT_THAT(silent->heard.back(), HasSubstr(R"("code":"timeout")"));
    EXPECT_FALSE(patient->closed);
    patient->link->close();
}

TEST_F(PushEndToEnd, AFrameLargerThanTheProxyTakesIsRefusedByItAndItTriesAgain) {
    start();
    server_->publish({{upstream("s/a:http"), slice("s/a:http", 1, 1000)}, {}});
    auto& small = proxy("small", "", 1000);
    auto& large = proxy("large");
    ASSERT_TRUE(soon([&] { return large.stats().in_sync && small.stats().disconnects >= 2; }));
    EXPECT_THAT(small.stats().last_error, HasSubstr("a frame of more than 1000 bytes"));
    EXPECT_FALSE(small.state.find("s/a:http"));
}

TEST_F(PushEndToEnd, AReportReachesTheServer) {
    ServerOptions options;
    std::string reported;
    options.on_report = [&](const std::string& name, const push::Report& report) {
        reported = name + " " + report.upstreams.at(0).name;
    };
    start(options);
    auto& p = proxy("web-0");
    p.client->report({{{"s/a:http", 1, 3}}});
    ASSERT_TRUE(soon([&] { return !reported.empty(); }));
    EXPECT_EQ(reported, "web-0 s/a:http");
    ASSERT_TRUE(soon([&] { return server_->stats().proxies.at(0).report.size() == 1; }));
}

TEST_F(PushEndToEnd, PublishAndStatsMayBeCalledFromOtherThreads) {
    start();
    auto& p = proxy("web-0");
    std::thread publisher{[&] {
        for (uint16_t port = 1; port <= 300; ++port) {
            server_->publish({{upstream("s/a:http"), slice("s/a:http", port)}, {}});
            (void)server_->stats();
            (void)p.client->stats();
        }
    }};
    const auto done = soon([&] { return p.port_of("s/a:http") == 300; });
    publisher.join();
    ASSERT_TRUE(done);
    EXPECT_TRUE(soon([&] { return server_->stats().proxies.at(0).acked_version == "e1.300"; }));
}

TEST_F(PushEndToEnd, AfterStopTheContextRunsDry) {
    start();
    auto& p = proxy("web-0");
    ASSERT_TRUE(soon([&] { return p.stats().in_sync; }));
    p.client->stop();
    server_->stop();
    const auto began = Clock::now();
    io_.restart();
    io_.run();
    EXPECT_LT(Clock::now() - began, 2s);
    EXPECT_FALSE(p.stats().connected);
}

TEST_F(PushEndToEnd, AnAddressInUseIsAnErrorThatNamesIt) {
    start();
    ServerOptions options;
    options.address = "127.0.0.1";
    options.port = server_->port();
    PushServer second{io_, options, *cache_};
    const auto started = second.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().to_string(),
              "127.0.0.1:" + std::to_string(options.port) + ": cannot listen for proxies: Address already in use");
    options.address = "localhost";
    EXPECT_FALSE(PushServer(io_, options, *cache_).start());
}

}  // namespace
}  // namespace steelyard
