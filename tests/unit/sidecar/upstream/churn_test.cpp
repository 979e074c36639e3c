// Shares of the traffic, bounds of the pools, and changes while requests flow.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Churn = WorkerTest;

Backend::Script serve_x() {
    return serve([](const Message&) { return ok("x"); });
}

TEST_F(Churn, WeightsOneTwoFiveAreExactOver800Requests) {
    Backend a(serve_x());
    Backend b(serve_x());
    Backend c(serve_x());
    use({{.port = a.port(), .weight = 1}, {.port = b.port(), .weight = 2}, {.port = c.port(), .weight = 5}});
    Socket one = client();
    for (int i = 0; i < 800; ++i) ASSERT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(a.requests(), 100);
    EXPECT_EQ(b.requests(), 200);
    EXPECT_EQ(c.requests(), 500);
    EXPECT_EQ(a.connections() + b.connections() + c.connections(), 3);
}

TEST_F(Churn, AWeightOfZeroTakesNothing) {
    Backend a(serve_x());
    Backend b(serve_x());
    use({{.port = a.port(), .weight = 0}, {.port = b.port()}});
    Socket one = client();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(a.connections(), 0);
}

TEST_F(Churn, ThePoolKeepsNoMoreThanItsLimit) {
    options_.hosts.max_idle_per_host = 2;
    std::atomic<bool> go_on{false};
    Backend backend([&](Peer& peer) {
        while (peer.next()) {
            EXPECT_TRUE(eventually([&] { return go_on.load(); }));
            peer.send(ok("x"));
        }
    });
    use(backend);
    std::vector<Socket> clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(client());
        ASSERT_TRUE(clients.back().send(kGet));
    }
    ASSERT_TRUE(eventually([&] { return backend.requests() == 5; }));
    EXPECT_EQ(counters().active_connections.get(), 5U);
    go_on = true;
    for (auto& one : clients) EXPECT_EQ(one.read_response().status(), 200);
    EXPECT_EQ(counters().idle_connections.get(), 2U);
    EXPECT_TRUE(eventually([&] { return backend.open() == 2; }));
}

TEST_F(Churn, ChangesWhileRequestsFlowCostNoRequest) {
    Backend a(serve_x());
    Backend b(serve_x());
    Backend c(serve_x());
    use({{.port = a.port()}, {.port = b.port()}, {.port = c.port()}});
    std::atomic<bool> stop{false};
    std::atomic<int> good{0};
    std::atomic<int> bad{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back([&, i] {
            Socket one = client();
            const std::string request = i % 2 == 0 ? std::string(kGet) : with_length("POST", std::string(30'000, 'x'));
            while (!stop) ++(one.request(request).status() == 200 ? good : bad);
        });
    }
    const std::vector<std::vector<TestHost>> versions = {
        {{.port = a.port()}, {.port = b.port()}},
        {{.port = a.port(), .draining = true}, {.port = b.port(), .weight = 7}},
        {{.port = c.port()}},
        {{.port = c.port(), .draining = true}},
        {{.port = b.port()}, {.port = c.port(), .weight = 3}, {.port = a.port()}},
    };
    for (int round = 0; round < 100; ++round) {
        const int before = good;
        use(versions[static_cast<size_t>(round) % versions.size()]);
        ASSERT_TRUE(eventually([&] { return good >= before + 5 || bad != 0; }));
    }
    stop = true;
    for (auto& one : clients) one.join();
    EXPECT_EQ(bad, 0);
    EXPECT_GE(good, 500);
}

TEST_F(Churn, AllAlgorithmsServe) {
    Backend a(serve_x());
    Backend b(serve_x());
    Socket one;
    for (const auto algorithm :
         {config::Algorithm::round_robin, config::Algorithm::weighted_round_robin, config::Algorithm::least_request,
          config::Algorithm::ring_hash, config::Algorithm::random, config::Algorithm::maglev,
          config::Algorithm::least_response_time, config::Algorithm::least_connections}) {
        upstream_.policy.algorithm = algorithm;
        use({{.port = a.port()}, {.port = b.port()}});
        if (one.fd() < 0) one = client();
        for (int i = 0; i < 20; ++i) EXPECT_EQ(one.request(kGet).status(), 200);
    }
}

TEST_F(Churn, RingHashKeepsAHeaderValueOnItsHost) {
    upstream_.policy.algorithm = config::Algorithm::ring_hash;
    upstream_.policy.hash = {config::HashKey::Source::header, "x-user"};
    Backend a(serve([](const Message&) { return ok("a"); }));
    Backend b(serve([](const Message&) { return ok("b"); }));
    use({{.port = a.port()}, {.port = b.port()}});
    Socket one = client();
    for (int user = 0; user < 30; ++user) {
        const std::string request = "GET / HTTP/1.1\r\nHost: web\r\nX-User: " + std::to_string(user) + "\r\n\r\n";
        const std::string where = one.request(request).body;
        for (int i = 0; i < 3; ++i) EXPECT_EQ(one.request(request).body, where) << user;
    }
    EXPECT_GT(a.requests(), 0);
    EXPECT_GT(b.requests(), 0);
}

TEST_F(Churn, MaglevKeepsACookieAndAParameterOnItsHost) {
    upstream_.policy.algorithm = config::Algorithm::maglev;
    Backend a(serve([](const Message&) { return ok("a"); }));
    Backend b(serve([](const Message&) { return ok("b"); }));
    for (const bool cookie : {true, false}) {
        upstream_.policy.hash = {cookie ? config::HashKey::Source::cookie : config::HashKey::Source::query, "sid"};
        use({{.port = a.port()}, {.port = b.port()}});
        Socket one = client();
        std::string seen;
        for (int user = 0; user < 30; ++user) {
            const std::string key = "sid=" + std::to_string(user);
            const std::string request = cookie ? "GET / HTTP/1.1\r\nHost: web\r\nCookie: x=y; " + key + "\r\n\r\n"
                                               : "GET /?x=y&" + key + " HTTP/1.1\r\nHost: web\r\n\r\n";
            const std::string where = one.request(request).body;
            for (int i = 0; i < 3; ++i) EXPECT_EQ(one.request(request).body, where) << user;
            seen += where;
        }
        EXPECT_NE(seen.find('a'), std::string::npos);
        EXPECT_NE(seen.find('b'), std::string::npos);
    }
}

}  // namespace
}  // namespace steelyard::test
