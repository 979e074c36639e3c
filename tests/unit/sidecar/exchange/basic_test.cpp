// What every HTTP client and backend does every day.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Exchange = WorkerTest;

TEST_F(Exchange, ManyRequestsOfOneClientTravelOverOneConnectionToTheHost) {
    Backend backend(serve([](const Message& request) { return ok("you asked for " + request.start); }));
    use(backend);
    Socket one = client();
    for (int i = 0; i < 100; ++i) {
        const Message answer = one.request("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: web\r\n\r\n");
        ASSERT_EQ(answer.status(), 200) << i;
        ASSERT_EQ(answer.body, "you asked for GET /" + std::to_string(i) + " HTTP/1.1");
    }
    EXPECT_EQ(backend.connections(), 1);
    EXPECT_EQ(backend.requests(), 100);
    EXPECT_EQ(counters().connects.get(), 1U);
    EXPECT_EQ(counters().reused.get(), 99U);
    EXPECT_EQ(counters().responses[2].get(), 100U);
    EXPECT_EQ(worker_counters().http_requests.get(), 100U);
    EXPECT_EQ(worker_counters().accepted.get(), 1U);
    EXPECT_EQ(host(backend.port())->requests.load(), 100U);
}

TEST_F(Exchange, AnIdleConnectionHoldsNoBufferAndCountsAsNothingUnderWay) {
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.request(kGet));
    EXPECT_TRUE(eventually([&] { return buffer_bytes() == 0; }));
    EXPECT_EQ(worker_counters().sessions.get(), 1U);
    EXPECT_EQ(counters().active_connections.get(), 0U);
    EXPECT_EQ(counters().idle_connections.get(), 1U);
    EXPECT_EQ(host(backend.port())->active.load(), 0U);
}

TEST_F(Exchange, PipelinedRequestsAreAnsweredInTheirOrder) {
    Backend backend(serve([](const Message& request) { return ok(request.start); }));
    use(backend);
    Socket one = client();
    ASSERT_TRUE(
        one.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                 "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"));
    for (const char* const line : {"GET /1 HTTP/1.1", "POST /2 HTTP/1.1", "GET /3 HTTP/1.1"}) {
        EXPECT_EQ(one.read_response().body, line);
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Exchange, APipelinedRequestCutInTwoIsPutTogether) {
    Backend backend(serve([](const Message& request) { return ok(request.start); }));
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HT"));
    EXPECT_EQ(one.read_response().body, "GET /1 HTTP/1.1");
    EXPECT_EQ(one.request("TP/1.1\r\nHost: a\r\n\r\n").body, "GET /2 HTTP/1.1");
}

TEST_F(Exchange, AHeadThatComesByteByByteIsUnderstood) {
    Backend backend(serve([](const Message& request) { return ok(request.start); }));
    use(backend);
    Socket one = client();
    for (const char c : kGet) ASSERT_TRUE(one.send({&c, 1}));
    EXPECT_EQ(one.read_response().body, "GET / HTTP/1.1");
}

TEST_F(Exchange, AHeadOfTwelveKilobytesIsPassedOn) {
    Backend backend(serve([](const Message& request) { return ok(request.field("x-long")); }));
    use(backend);
    const std::string value = pattern(12'000) + '.';
    Socket one = client();
    EXPECT_EQ(one.request("GET / HTTP/1.1\r\nHost: web\r\nX-Long: " + value + "\r\n\r\n").body, value);
    EXPECT_EQ(one.request(kGet).status(), 200);
}

TEST_F(Exchange, TheAnswerToHeadHasALengthAndNoBody) {
    Backend backend(
        serve([](const Message&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"); }));
    use(backend);
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const Message answer = one.request("HEAD / HTTP/1.1\r\nHost: web\r\n\r\n", "HEAD");
        EXPECT_EQ(answer.status(), 200);
        EXPECT_EQ(answer.field("content-length"), "1234");
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Exchange, AnswersWithoutABodyEndWithTheirHead) {
    Backend backend(serve([](const Message& request) {
        return request.start.find("/204") != std::string::npos
                   ? std::string("HTTP/1.1 204 No Content\r\n\r\n")
                   : std::string("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"a\"\r\n\r\n");
    }));
    use(backend);
    Socket one = client();
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(one.request("GET /204 HTTP/1.1\r\nHost: web\r\n\r\n").status(), 204);
        EXPECT_EQ(one.request("GET /304 HTTP/1.1\r\nHost: web\r\n\r\n").status(), 304);
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Exchange, AHostThatSaysCloseIsConnectedToAnewAndTheClientStays) {
    Backend backend([](Peer& peer) {
        if (peer.next()) peer.send(ok("bye", "Connection: close\r\n"));
    });
    use(backend);
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const Message answer = one.request(kGet);
        EXPECT_EQ(answer.body, "bye");
        EXPECT_EQ(answer.field("connection"), "");
    }
    EXPECT_EQ(backend.connections(), 3);
}

TEST_F(Exchange, AClientThatSaysCloseIsAnsweredAndClosed) {
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    const Message answer = one.request("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(answer.body, "x");
    EXPECT_EQ(answer.field("connection"), "close");
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
    one.close();
    Socket two = client();
    EXPECT_EQ(two.request(kGet).status(), 200);
    EXPECT_EQ(backend.connections(), 1) << "the client's wish says nothing about the host's connection";
}

TEST_F(Exchange, AClientThatHalfClosesAfterItsRequestIsStillAnswered) {
    Backend backend(serve([](const Message&) { return ok("late but there"); }));
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    one.shutdown_write();
    EXPECT_EQ(one.read_response().body, "late but there");
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
}

TEST_F(Exchange, TheHostLearnsWhoTheClientIs) {
    Backend backend(serve([](const Message& request) { return ok(request.head); }));
    use(backend);
    Socket one = client();
    std::string head = one.request("GET /x HTTP/1.1\r\nHost: shop.example\r\n\r\n").body;
    EXPECT_NE(head.find("X-Forwarded-For: 127.0.0.1\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("X-Forwarded-Proto: http\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("X-Forwarded-Host: shop.example\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("X-Real-IP: 127.0.0.1\r\n"), std::string::npos) << head;
    head = one.request("GET /x HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 10.9.8.7\r\n\r\n").body;
    EXPECT_NE(head.find("X-Forwarded-For: 127.0.0.1\r\n"), std::string::npos) << "nobody is trusted: " << head;
}

TEST_F(Exchange, ATrustedPeersWordOnWhoAskedIsPassedOnAndHashed) {
    options_.forwarding.trusted = *http::Networks::parse("127.0.0.0/8", "test");
    options_.forwarding.request_id = options_.forwarding.trace_context = true;
    upstream_.policy.algorithm = config::Algorithm::ring_hash;
    const auto answer = [](const char* name) { return serve([=](const Message& m) { return ok(name + m.head); }); };
    Backend a(answer("a"));
    Backend b(answer("b"));
    use({{.port = a.port()}, {.port = b.port()}});
    Socket one = client();
    std::string seen;
    for (int i = 0; i < 40; ++i) {
        const std::string who = "203.0.113." + std::to_string(i);
        const std::string request =
            "GET / HTTP/1.1\r\nHost: web\r\nX-Forwarded-For: 6.6.6." + std::to_string(i) + ", " + who + "\r\n\r\n";
        const std::string head = one.request(request).body;
        EXPECT_NE(head.find(who + ", 127.0.0.1\r\n"), std::string::npos) << head;
        EXPECT_NE(head.find("X-Real-IP: " + who + "\r\n"), std::string::npos) << head;
        EXPECT_NE(head.find("X-Request-Id: "), std::string::npos) << head;
        EXPECT_NE(head.find("traceparent: 00-"), std::string::npos) << head;
        ASSERT_FALSE(head.empty());
        EXPECT_EQ(one.request("GET / HTTP/1.1\r\nHost: web\r\nX-Forwarded-For: " + who + "\r\n\r\n").body[0], head[0]);
        seen += head[0];
    }
    EXPECT_NE(seen.find('a'), std::string::npos) << seen;
    EXPECT_NE(seen.find('b'), std::string::npos) << seen;
}

}  // namespace
}  // namespace steelyard::test
