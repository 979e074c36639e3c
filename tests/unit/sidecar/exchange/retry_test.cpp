// Hosts that refuse, break off or lie: which requests go elsewhere, and what the client is told of the rest.
#include <vector>

#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

class Retry : public WorkerTest {
protected:
    // Sends so many requests, one after the other; the answers' statuses.
    std::map<int, int> statuses(int count, const std::string& request) {
        std::map<int, int> seen;
        Socket one = client();
        for (int i = 0; i < count; ++i) {
            ++seen[one.request(request).status()];
            if (one.end() != Socket::End::open) one = client();
        }
        return seen;
    }
};

const std::string kPost = with_length("POST", "order");

// Reads a request and resets the connection without an answer.
void reset_at_request(Peer& peer) {
    if (peer.next()) peer.reset();
}

TEST_F(Retry, AHostThatRefusesIsSkippedWhateverTheMethod) {
    Backend good(serve([](const Message&) { return ok("x"); }));
    const uint16_t refused = refused_port();
    use({{.port = refused}, {.port = good.port()}});
    EXPECT_EQ(statuses(10, std::string(kGet)), (std::map<int, int>{{200, 10}}));
    EXPECT_EQ(statuses(10, kPost), (std::map<int, int>{{200, 10}}));
    EXPECT_EQ(good.requests(), 20);
    EXPECT_GT(host(refused)->failures.load(), 0U);
    EXPECT_EQ(counters().retries.get(), counters().connect_failures.get());
    EXPECT_EQ(counters().connect_failures.get(), host(refused)->failures.load());
}

TEST_F(Retry, AHostThatKeepsRefusingIsPassedOver) {
    options_.hosts.ejection.base = std::chrono::hours{1};
    Backend good(serve([](const Message&) { return ok("x"); }));
    const uint16_t refused = refused_port();
    use({{.port = refused}, {.port = good.port()}});
    EXPECT_EQ(statuses(100, std::string(kGet)), (std::map<int, int>{{200, 100}}));
    EXPECT_EQ(counters().connect_failures.get(), 5U);
    EXPECT_EQ(counters().ejections.get(), 1U);
    EXPECT_GT(host(refused)->ejected_until_ms.load(), 0);
}

TEST_F(Retry, WhenAllRefuseTheClientIsTold502AndStays) {
    use({{.port = refused_port()}, {.port = refused_port()}});
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const Message answer = one.request(kGet);
        EXPECT_EQ(answer.status(), 502);
        EXPECT_NE(answer.body.find("shop/web:http"), std::string::npos) << answer.body;
        EXPECT_EQ(answer.field("connection"), "");
    }
    EXPECT_EQ(failures(Failure::connect), 3U);
    EXPECT_EQ(counters().connects.get(), 6U);
    EXPECT_EQ(counters().responses[5].get(), 3U);
}

TEST_F(Retry, NoMoreThanFourHostsAreTried) {
    std::vector<TestHost> hosts;
    for (int i = 0; i < 7; ++i) hosts.push_back({.port = refused_port()});
    use(hosts);
    EXPECT_EQ(client().request(kGet).status(), 502);
    EXPECT_EQ(counters().connects.get(), 4U);
}

TEST_F(Retry, WithoutAHostTheAnswerIs503) {
    use(std::vector<TestHost>{});
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 503);
    EXPECT_EQ(one.request(kPost).status(), 503);
    EXPECT_EQ(failures(Failure::no_host), 2U);
}

TEST_F(Retry, WithoutConfigurationTheAnswerIs503WithTheReason) {
    start();
    Socket one = client();
    const Message answer = one.request(kGet);
    EXPECT_EQ(answer.status(), 503);
    EXPECT_NE(answer.body.find("no endpoint of shop/web:http is ready"), std::string::npos) << answer.body;
    Backend good(serve([](const Message&) { return ok("x"); }));
    use(good);
    EXPECT_EQ(one.request(kGet).status(), 200) << "the same connection is served once the configuration is there";
    use_nothing();
    EXPECT_EQ(one.request(kGet).status(), 503);
}

TEST_F(Retry, AHostKnownToBeDownIsNotUsed) {
    Backend good(serve([](const Message&) { return ok("x"); }));
    Backend other(serve([](const Message&) { return ok("y"); }));
    use({{.port = good.port()}, {.port = other.port()}});
    host(other.port())->health = Health::down;
    EXPECT_EQ(statuses(10, std::string(kGet)), (std::map<int, int>{{200, 10}}));
    EXPECT_EQ(other.connections(), 0);
    host(good.port())->health = Health::down;
    EXPECT_EQ(client().request(kGet).status(), 503);
}

TEST_F(Retry, APooledConnectionThatTheHostClosedIsNotUsed) {
    Backend backend([](Peer& peer) {
        if (peer.next()) peer.send(ok("x"));
    });
    use(backend);
    Socket one = client();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(one.request(i % 2 == 0 ? kPost : std::string(kGet)).status(), 200);
        ASSERT_TRUE(eventually([&] { return counters().idle_connections.get() == 0; }));
    }
    EXPECT_EQ(counters().reused.get(), 0U);
    EXPECT_EQ(counters().retries.get(), 0U);
}

TEST_F(Retry, APooledConnectionClosedAtTheRequestCostsAGetNothingAndAPostA502) {
    // Answers once a connection; the second request is read and not answered.
    Backend backend([](Peer& peer) {
        if (peer.next() && peer.send(ok(std::to_string(peer.number)))) peer.next();
    });
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).body, "0");
    EXPECT_EQ(one.request(kGet).body, "1") << "the only host, by a fresh connection";
    EXPECT_EQ(counters().retries.get(), 1U);
    EXPECT_EQ(host(backend.port())->failures.load(), 0U) << "a pooled connection's end is no fault of the host";
    const Message answer = one.request(kPost);
    EXPECT_EQ(answer.status(), 502);
    EXPECT_EQ(backend.requests(), 4) << "the order was taken once: " << answer.body;
    EXPECT_EQ(failures(Failure::upstream_reset), 1U);
    EXPECT_EQ(one.request(kGet).status(), 200);
}

TEST_F(Retry, AHostThatResetsBeforeItsAnswerIsLeftForAnotherByAGet) {
    Backend bad(reset_at_request);
    Backend good(serve([](const Message&) { return ok("good"); }));
    use({{.port = bad.port()}, {.port = good.port()}});
    EXPECT_EQ(statuses(10, std::string(kGet)), (std::map<int, int>{{200, 10}}));
    EXPECT_EQ(statuses(2, with_length("PUT", "small")), (std::map<int, int>{{200, 2}}));
    EXPECT_GT(bad.requests(), 0);
    EXPECT_EQ(host(bad.port())->failures.load(), static_cast<uint64_t>(bad.requests()));
}

TEST_F(Retry, APostThatWasReadAndNotAnsweredIsNotSentAgain) {
    Backend bad(reset_at_request);
    Backend good(serve([](const Message&) { return ok("good"); }));
    use({{.port = bad.port()}, {.port = good.port()}});
    const auto seen = statuses(10, kPost);
    EXPECT_EQ(seen, (std::map<int, int>{{200, 5}, {502, 5}}));
    EXPECT_EQ(bad.requests(), 5);
    EXPECT_EQ(good.requests(), 5);
}

TEST_F(Retry, TheOnlyHostThatResetsIsReportedAsSuch) {
    Backend bad(reset_at_request);
    use(bad);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 502);
    EXPECT_EQ(failures(Failure::upstream_reset), 1U);
    EXPECT_EQ(failures(Failure::connect), 0U);
}

TEST_F(Retry, AnUploadThatIsNoLongerInHandIsNotSentAgain) {
    Backend bad([](Peer& peer) {
        peer.read(200'000);
        peer.reset();
    });
    use(bad);
    Socket one = client();
    one.send(with_length("PUT", std::string(1'000'000, 'x')));
    EXPECT_EQ(one.read_response().status(), 502);
    EXPECT_EQ(bad.connections(), 1);
    EXPECT_EQ(counters().retries.get(), 0U);
}

TEST_F(Retry, GarbageIsAnswered502) {
    Backend bad(serve([](const Message&) { return std::string("SSH-2.0-OpenSSH_9.2\r\n"); }));
    use(bad);
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 502);
    EXPECT_EQ(one.request(kGet).status(), 502);
    EXPECT_EQ(failures(Failure::upstream_protocol), 2U);
    EXPECT_EQ(bad.connections(), 2);
    EXPECT_EQ(host(bad.port())->failures.load(), 2U);
}

TEST_F(Retry, AnAnswersHeadWithoutEndIsAnswered502) {
    Backend bad([](Peer& peer) {
        if (peer.next()) peer.send("HTTP/1.1 200 OK\r\nX-Long: " + std::string(100'000, 'x'));
    });
    use(bad);
    EXPECT_EQ(client().request(kGet).status(), 502);
    EXPECT_EQ(failures(Failure::upstream_protocol), 1U);
}

}  // namespace
}  // namespace steelyard::test
