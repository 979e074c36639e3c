// What an upstream's policy makes of requests and answers: fields, redirects, time-outs; and what the proxy answers for itself.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Kind = config::HeaderEdit::Kind;

class Policy : public WorkerTest {
protected:
    void redirect_to_https() { upstream_.policy.http.redirect = config::Redirect{"https", "", 0, 308}; }
    uint64_t responses(size_t of_class) { return counters().responses[of_class].get(); }
};

TEST_F(Policy, EditsRequestsAndAnswers) {
    upstream_.policy.http.request_headers = {{Kind::set, "X-Env", "test"}, {Kind::remove, "Cookie", ""}};
    upstream_.policy.http.response_headers = {{Kind::set, "Server", "edge"}};
    upstream_.policy.http.host = "web.internal";
    upstream_.policy.http.path = {"/api", "/v2"};
    Backend backend(serve([](const Message& request) { return ok(request.head, "Server: b\r\n"); }));
    use(backend);
    const Message answer = client().request("GET /api/x?y HTTP/1.1\r\nHost: web\r\nCookie: a\r\nX-Env: b\r\n\r\n");
    EXPECT_EQ(answer.field("server"), "edge");
    EXPECT_TRUE(answer.body.starts_with("GET /v2/x?y HTTP/1.1\r\nHost: web.internal\r\n")) << answer.body;
    EXPECT_NE(answer.body.find("X-Forwarded-Host: web\r\n"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("\r\nX-Env: test\r\n"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("Cookie"), std::string::npos) << answer.body;
}

TEST_F(Policy, EditsAnswersOfOurOwn) {
    upstream_.policy.http.response_headers = {{Kind::set, "Strict-Transport-Security", std::string(1024, 'x')},
                                              {Kind::set, "X-A", std::string(1024, 'x')},
                                              {Kind::set, "X-B", std::string(1024, 'x')},
                                              {Kind::set, "X-C", std::string(900, 'x')}};
    use(std::vector<TestHost>{});
    const std::string wanted(1024, 'x');
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const Message answer = one.request(kGet);
        EXPECT_EQ(answer.status(), 503);
        EXPECT_EQ(answer.field("strict-transport-security"), wanted);
    }
    const Message refused = one.request("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(refused.status(), 400);
    EXPECT_EQ(refused.field("strict-transport-security"), wanted);
}

TEST_F(Policy, ANewOneHoldsForTheNextRequestOfAConnection) {
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).field("x-a"), "");
    upstream_.policy.http.response_headers = {{Kind::add, "X-A", "b"}};
    use(backend);
    EXPECT_EQ(one.request(kGet).field("x-a"), "b");
    redirect_to_https();
    use(backend);
    EXPECT_EQ(one.request(kGet).status(), 308);
}

TEST_F(Policy, RedirectsReachNoHostAndKeepTheConnection) {
    redirect_to_https();
    upstream_.policy.http.response_headers = {{Kind::set, "Strict-Transport-Security", "max-age=1"}};
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const Message answer = one.request("GET /a?b HTTP/1.1\r\nHost: web:81\r\n\r\n");
        EXPECT_EQ(answer.status(), 308);
        EXPECT_EQ(answer.field("location"), "https://web/a?b");
        EXPECT_EQ(answer.field("strict-transport-security"), "max-age=1");
        EXPECT_EQ(answer.field("connection"), "");
    }
    EXPECT_EQ(one.request("HEAD / HTTP/1.1\r\nHost: web\r\n\r\n", "HEAD").status(), 308);
    EXPECT_EQ(backend.connections(), 0);
    EXPECT_EQ(responses(3), 4U);
    EXPECT_EQ(failures(Failure::no_host), 0U);
}

TEST_F(Policy, ARedirectReadsTheBodyThatCameWithItsRequest) {
    redirect_to_https();
    use(std::vector<TestHost>{});
    Socket one = client();
    for (const size_t size : {0U, 10U, 4'000U, 60'000U, 260'000U}) {
        EXPECT_EQ(one.request(with_length("POST", pattern(size))).status(), 308) << size;
    }
    // With the next request right behind it.
    const std::string chunked =
        "PUT / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(pattern(50'000)) + chunk("");
    ASSERT_TRUE(one.send(chunked + chunked + with_length("POST", pattern(9000)) + std::string(kGet)));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(one.read_response().status(), 308) << i;
    // In pieces, and answered before the last of them is there.
    ASSERT_TRUE(one.send("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\n12345"));
    EXPECT_EQ(one.read_response().status(), 308);
    ASSERT_TRUE(one.send("67890" + std::string(kGet)));
    EXPECT_EQ(one.read_response().status(), 308);
    EXPECT_TRUE(eventually([&] { return responses(3) == 11; })) << responses(3);
}

TEST_F(Policy, ARedirectEndsTheConnectionWhereNobodyKnowsTheNextRequest) {
    redirect_to_https();
    use(std::vector<TestHost>{});
    const struct {
        std::string request;
        std::string what;
    } cases[] = {
        {with_length("POST", "", "Connection: close\r\n"), "asked for"},
        {"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 300000\r\n\r\n", "too long"},
        {"POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", "may not come"},
    };
    for (const auto& c : cases) {
        Socket one = client();
        const Message answer = one.request(c.request);
        EXPECT_EQ(answer.status(), 308) << c.what;
        EXPECT_EQ(answer.field("connection"), "close") << c.what;
        EXPECT_EQ(one.wait_end(), Socket::End::fin) << c.what;
    }
    Socket endless = client();
    const std::string head = "PUT / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(endless.request(head).status(), 308);
    for (int i = 0; i < 10; ++i) endless.send(chunk(std::string(60'000, 'x')));
    EXPECT_EQ(endless.wait_end(), Socket::End::fin);
    Socket malformed = client();
    EXPECT_EQ(malformed.request(head + "zz").status(), 400);
    Socket later = client();
    EXPECT_EQ(later.request(head).status(), 308);
    ASSERT_TRUE(later.send("zz"));
    EXPECT_EQ(later.wait_end(), Socket::End::fin);
}

TEST_F(Policy, ARedirectWaitsForABodyNoLongerThanForAnyOther) {
    redirect_to_https();
    options_.timeouts.stream_idle = Milliseconds{100};
    use(std::vector<TestHost>{});
    Socket one = client();
    EXPECT_EQ(one.request("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\n1").status(), 308);
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
    EXPECT_EQ(responses(3), 1U);
}

TEST_F(Policy, ARedirectOfHttp10NamesAHostOrIsRefused) {
    redirect_to_https();
    use(std::vector<TestHost>{});
    Socket one = client();
    EXPECT_EQ(one.request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").status(), 400);
    upstream_.policy.http.redirect->host = "www.test";
    use(std::vector<TestHost>{});
    const Message answer = client().request("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(answer.field("location"), "https://www.test/a");
    EXPECT_EQ(answer.field("connection"), "keep-alive");
}

TEST_F(Policy, ATargetTooLongForARedirectIs414) {
    redirect_to_https();
    use(std::vector<TestHost>{});
    Socket one = client();
    EXPECT_EQ(one.request("GET /" + std::string(9'000, '<') + " HTTP/1.1\r\nHost: web\r\n\r\n").status(), 414);
    EXPECT_EQ(one.request("GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: web\r\n\r\n").status(), 308);
}

TEST_F(Policy, MaxForwardsEndsHereAtZeroAndLosesOneElse) {
    Backend backend(serve([](const Message& request) { return ok(request.head); }));
    use(backend);
    Socket one = client();
    const auto ask = [&](const std::string& method, const std::string& hops) {
        return one.request(method + " / HTTP/1.1\r\nHost: web\r\nCookie: secret\r\nMax-Forwards: " + hops + "\r\n\r\n");
    };
    const Message trace = ask("TRACE", "0");
    EXPECT_EQ(trace.status(), 405);
    EXPECT_NE(trace.field("allow"), "");
    EXPECT_EQ(trace.body.find("secret"), std::string::npos);
    const Message options = ask("OPTIONS", "0");
    EXPECT_EQ(options.status(), 200);
    EXPECT_EQ(options.field("allow"), "");
    EXPECT_EQ(backend.requests(), 0);
    EXPECT_NE(ask("TRACE", "1").body.find("Max-Forwards: 0\r\n"), std::string::npos);
    EXPECT_NE(ask("OPTIONS", "10").body.find("Max-Forwards: 9\r\n"), std::string::npos);
    EXPECT_NE(ask("GET", "0").body.find("Max-Forwards: 0\r\n"), std::string::npos);
    EXPECT_EQ(ask("OPTIONS", "x").status(), 400);
}

TEST_F(Policy, ConnectIsRefusedAndCounted) {
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    const Message answer = one.request("CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n");
    EXPECT_EQ(answer.status(), 405);
    EXPECT_EQ(answer.field("allow").find("CONNECT"), std::string::npos);
    EXPECT_NE(answer.body.find("bad_connect"), std::string::npos) << answer.body;
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
    EXPECT_EQ(backend.connections(), 0);
    EXPECT_EQ(worker_counters().faults[static_cast<size_t>(http::Fault::bad_connect)].get(), 1U);
}

TEST_F(Policy, TimeoutsOfTheUpstreamTakeThePlaceOfTheProcesss) {
    options_.timeouts.response_head = options_.timeouts.connect = options_.timeouts.stream_idle = kPatience;
    upstream_.policy.timeouts = {.connect_ms = 100, .response_ms = 100, .idle_ms = 100};
    Backend silent([](Peer& peer) {
        peer.next();
        peer.wait_end();
    });
    use(silent);
    EXPECT_EQ(client().request(kGet).status(), 504);
    Backend stalls([](Peer& peer) {
        if (peer.next()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf");
        peer.wait_end();
    });
    use(stalls);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    FullHost full;
    use({{.port = full.port()}});
    EXPECT_EQ(client().request(kGet).status(), 502);
}

TEST_F(Policy, AnUpgradedConnectionIsCutAfterTheSilenceOfItsUpstream) {
    options_.timeouts.tunnel_idle = kPatience;
    upstream_.policy.timeouts.tunnel_idle_ms = 100;
    Backend backend([](Peer& peer) {
        if (!peer.next()) return;
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        peer.wait_end();
    });
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request("GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n").status(), 101);
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    EXPECT_EQ(worker_counters().timeouts.get(), 1U);
}

}  // namespace
}  // namespace steelyard::test
