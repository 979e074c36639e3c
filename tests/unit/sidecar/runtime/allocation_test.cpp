// In steady state a request costs no allocation on the worker's thread.
#include <future>

#include "tests/unit/sidecar/exchange/worker_test.hpp"
#include "tests/unit/support/counted_new.hpp"

namespace steelyard::test {
namespace {

class Allocation : public WorkerTest {
protected:
    void count(bool on) {
        std::promise<void> done;
        worker_->run([&](WorkerContext&) {
            counted = on;
            done.set_value();
        });
        done.get_future().wait();
    }

    // On the worker's thread, over 1,000 requests after as many to warm up.
    uint64_t allocations_of(const std::string& request, int status = 200) {
        Socket one = client();
        for (int i = 0; i < 1000; ++i) EXPECT_EQ(one.request(request).status(), status);
        count(true);
        const uint64_t before = allocations;
        for (int i = 0; i < 1000; ++i) EXPECT_EQ(one.request(request).status(), status);
        const uint64_t after = allocations;  // before the next task is posted
        count(false);
        return after - before;
    }
};

TEST_F(Allocation, AThousandRequestsOfAKeepAliveClientAllocateNothing) {
    Backend backend(
        serve([](const Message& request) { return ok("x" + request.body, "Content-Type: text/plain\r\n"); }));
    Backend other(serve([](const Message& request) { return ok("y" + request.body); }));
    for (const auto algorithm :
         {config::Algorithm::round_robin, config::Algorithm::weighted_round_robin, config::Algorithm::least_request,
          config::Algorithm::ring_hash, config::Algorithm::random, config::Algorithm::maglev,
          config::Algorithm::least_response_time, config::Algorithm::least_connections}) {
        upstream_.policy.algorithm = algorithm;
        use({{.port = backend.port()}, {.port = other.port(), .weight = 3}});
        EXPECT_EQ(allocations_of(std::string(kGet)), 0U) << to_string(algorithm);
    }
    EXPECT_EQ(allocations_of(with_length("POST", pattern(3000))), 0U);
    EXPECT_EQ(allocations_of(with_length("PUT", pattern(50'000))), 0U);
    EXPECT_EQ(
        allocations_of("POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc") + chunk("")),
        0U);
}

TEST_F(Allocation, NorWithAnAccessLog) {
    access_log::Options options;
    options.target = access_log::Target::file;
    options.path = "/dev/null";
    access_log_ = std::move(*access_log::AccessLog::open(options, 1));
    Backend backend(serve([](const Message& request) { return ok("x" + request.body); }));
    use(backend);
    const std::string fields = "User-Agent: test\r\nReferer: http://there/\r\nX-Request-Id: 1\r\n";
    EXPECT_EQ(allocations_of(with_length("POST", pattern(3000), fields)), 0U);
    access_log_->stop();
    EXPECT_EQ(access_log_->stats().lines, 2000U);
}

TEST_F(Allocation, NorWithAPolicysRules) {
    using Kind = config::HeaderEdit::Kind;
    auto& http = upstream_.policy.http;
    http.host = "web.internal";
    http.path = {"/api", "/"};
    http.request_headers = {{Kind::set, "X-Env", "test"}, {Kind::add, "Via", "1.1 e"}, {Kind::remove, "Cookie", ""}};
    http.response_headers = {{Kind::set, "Strict-Transport-Security", "max-age=1"}, {Kind::remove, "Server", ""}};
    Backend backend(serve([](const Message&) { return ok("x", "Server: b\r\n"); }));
    use(backend);
    EXPECT_EQ(allocations_of("GET /api/x HTTP/1.1\r\nHost: web\r\nCookie: a\r\nX-Env: b\r\n\r\n"), 0U);
    EXPECT_EQ(allocations_of("OPTIONS / HTTP/1.1\r\nHost: web\r\nMax-Forwards: 0\r\n\r\n"), 0U);
    http.redirect = config::Redirect{"https", "", 0, 308};
    use(backend);
    EXPECT_EQ(allocations_of("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nabc", 308), 0U);
}

TEST_F(Allocation, NorWithCompressionNorOutOfTheCache) {
    // Brotli makes its state anew each time, in its own library: see docs/adr/0008.
    auto& http = upstream_.policy.http;
    http.compression.emplace();
    http.compression->min_bytes = 1;
    Backend backend(serve([](const Message&) { return ok(pattern(3'000), "Content-Type: text/html\r\n"); }));
    use(backend);
    EXPECT_EQ(allocations_of("GET / HTTP/1.1\r\nHost: web\r\nAccept-Encoding: gzip\r\n\r\n"), 0U);
    EXPECT_EQ(allocations_of("GET / HTTP/1.1\r\nHost: web\r\nAccept-Encoding: zstd\r\n\r\n"), 0U);
    http.cache.emplace();
    Backend kept(serve([](const Message&) {
        return ok(pattern(3'000), "Content-Type: text/html\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\n");
    }));
    use(kept);
    EXPECT_EQ(allocations_of(std::string(kGet)), 0U);
    EXPECT_EQ(allocations_of("GET / HTTP/1.1\r\nHost: web\r\nIf-None-Match: \"a\"\r\n\r\n", 304), 0U);
    EXPECT_EQ(allocations_of("GET / HTTP/1.1\r\nHost: web\r\nAccept-Encoding: zstd\r\n\r\n"), 0U);
    EXPECT_EQ(kept.requests(), 1);
}

TEST_F(Allocation, IsCounted) {
    use(std::vector<TestHost>{});
    count(true);
    const uint64_t before = allocations;
    Socket one = client();
    EXPECT_EQ(one.request(kGet).status(), 503);
    EXPECT_GT(allocations - before, 0U) << "a new connection does allocate, or nothing is counted here";
    count(false);
}

TEST_F(Allocation, AnUpgradedConnectionAllocatesNothingPerMessage) {
    Backend backend([](Peer& peer) {
        if (!peer.next()) return;
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        for (std::string bytes; !(bytes = peer.read_some()).empty();) peer.send(bytes);
    });
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request("GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n").status(), 101);
    ASSERT_TRUE(one.send("warm"));
    EXPECT_EQ(one.read(4), "warm");
    count(true);
    const uint64_t before = allocations;
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(one.send("ping"));
        ASSERT_EQ(one.read(4), "ping");
    }
    EXPECT_EQ(allocations - before, 0U);
    count(false);
}

}  // namespace
}  // namespace steelyard::test
