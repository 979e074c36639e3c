// Answers out of the cache and into it, over real sockets: what costs the host a request and what does not.
#include "tests/unit/sidecar/compress/decode.hpp"
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

constexpr std::string_view kFresh = "Cache-Control: max-age=60\r\n";

std::string get(std::string_view path, std::string_view fields = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: web\r\n" + std::string(fields) + "\r\n";
}

class CacheTest : public WorkerTest {
protected:
    CacheTest() { upstream_.policy.http.cache = config::Cache{.max_bytes = 1 << 20, .max_object_bytes = 100'000}; }
    // What the proxy says of the request behind "steelyard; ".
    static std::string status(const Message& got) {
        const std::string field = got.field("cache-status");
        const std::string own = field.starts_with("steelyard; ") ? field.substr(11) : field;
        return own.substr(0, own.find("; ttl"));
    }
};

TEST_F(CacheTest, TheSecondTimeNoHostIsAsked) {
    for (const bool chunked : {false, true}) {
        const std::string body = pattern(50'000);
        Backend backend(serve([&](const Message&) {
            if (!chunked) return ok(body, kFresh);
            return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + std::string(kFresh) + "\r\n" +
                   chunk(body.substr(0, 20'000)) + chunk(body.substr(20'000)) + chunk("");
        }));
        use(backend);
        const std::string path = chunked ? "/chunked" : "/length";
        auto connection = client();
        const auto first = connection.request(get(path));
        EXPECT_EQ(status(first), "fwd=uri-miss; stored");
        EXPECT_EQ(first.body, body);
        for (int i = 0; i < 3; ++i) {
            const auto again = connection.request(get(path));
            EXPECT_EQ(status(again), "hit");
            // Whole seconds: a slow machine may reach the next one, and none may be without the field.
            ASSERT_EQ(again.field("age").size(), 1U);
            EXPECT_LE(again.field("age"), "5");
            EXPECT_EQ(again.field("content-length"), "50000");
            EXPECT_EQ(again.body, body);
        }
        const auto head = connection.request("HEAD " + path + " HTTP/1.1\r\nHost: web\r\n\r\n", "HEAD");
        EXPECT_EQ(head.field("content-length"), "50000");
        EXPECT_EQ(status(head), "hit");
        EXPECT_EQ(client().request("GET " + path + " HTTP/1.0\r\nHost: web\r\n\r\n").body, body);
        EXPECT_EQ(backend.requests(), 1);
    }
    EXPECT_EQ(counters().cache.hits.get(), 10U);
    EXPECT_EQ(counters().cache.kept.get(), 2U);
}

TEST_F(CacheTest, WhatMayNotBeKeptIsAskedForEachTime) {
    Backend backend(serve([&](const Message& asked) {
        if (asked.start.find("private") != std::string::npos) return ok("x", "Cache-Control: private, max-age=60\r\n");
        if (asked.start.find("cookie") != std::string::npos)
            return ok("x", std::string(kFresh) + "Set-Cookie: a=b\r\n");
        if (asked.start.find("large") != std::string::npos) return ok(pattern(200'000), kFresh);
        if (asked.start.find("endless") != std::string::npos) {
            return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + std::string(kFresh) + "\r\n" +
                   chunk(pattern(60'000)) + chunk(pattern(60'000)) + chunk("");
        }
        return ok("x");
    }));
    use(backend);
    auto connection = client();
    for (const char* path : {"/private", "/cookie", "/large", "/endless", "/silent"}) {
        const int before = backend.requests();
        for (int i = 0; i < 2; ++i) EXPECT_TRUE(connection.request(get(path))) << path;
        EXPECT_EQ(backend.requests(), before + 2) << path;
    }
    EXPECT_EQ(counters().cache.kept.get(), 0U);
}

TEST_F(CacheTest, ABodyThatIsCutIsNotKept) {
    std::atomic<bool> cut{true};
    Backend backend([&](Peer& peer) {
        while (peer.next()) {
            if (cut)
                return static_cast<void>(peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n" +
                                                   std::string(kFresh) + "\r\n" + pattern(40'000)));
            peer.send(ok(pattern(50'000), kFresh));
        }
    });
    use(backend);
    auto first = client();
    first.send(get("/"));
    EXPECT_FALSE(first.read_response().complete);
    cut = false;
    auto second = client();
    EXPECT_EQ(status(second.request(get("/"))), "fwd=uri-miss; stored");
    EXPECT_EQ(second.request(get("/")).body, pattern(50'000));
}

TEST_F(CacheTest, AConditionIsAnsweredHere) {
    Backend backend(serve([&](const Message&) { return ok("body", std::string(kFresh) + "ETag: \"v1\"\r\n"); }));
    use(backend);
    auto connection = client();
    EXPECT_TRUE(connection.request(get("/")));
    const auto same = connection.request(get("/", "If-None-Match: \"v1\"\r\n"));
    EXPECT_EQ(same.status(), 304);
    EXPECT_EQ(same.field("etag"), "\"v1\"");
    EXPECT_EQ(connection.request(get("/", "If-None-Match: \"v0\"\r\n")).body, "body");
    EXPECT_EQ(backend.requests(), 1);
}

TEST_F(CacheTest, WhatIsStaleIsValidatedAndSaidAnew) {
    std::atomic<int> conditions{0};
    Backend backend(serve([&](const Message& asked) {
        const std::string version =
            asked.start.find("changed") != std::string::npos && conditions > 0 ? "\"v2\"" : "\"v1\"";
        if (asked.field("if-none-match") != "") ++conditions;
        if (asked.field("if-none-match") == version)
            return "HTTP/1.1 304 Not Modified\r\nETag: " + version + "\r\nX-Again: 1\r\n\r\n";
        return ok("body of " + version, "Cache-Control: no-cache\r\nETag: " + version + "\r\n");
    }));
    use(backend);
    auto connection = client();
    EXPECT_EQ(status(connection.request(get("/same"))), "fwd=uri-miss; stored");
    const auto again = connection.request(get("/same", "If-None-Match: \"other\"\r\n"));
    EXPECT_EQ(status(again), "hit; fwd=stale; fwd-status=304");
    EXPECT_EQ(again.status(), 200);
    EXPECT_EQ(again.body, "body of \"v1\"");
    EXPECT_EQ(again.field("x-again"), "1");
    EXPECT_EQ(connection.request(get("/same", "If-None-Match: \"v1\"\r\n")).status(), 304);
    EXPECT_EQ(backend.requests(), 3);
    EXPECT_EQ(counters().cache.validated.get(), 2U);
    EXPECT_EQ(connection.request(get("/changed")).body, "body of \"v2\"");
    EXPECT_EQ(backend.connections(), 1) << "the host's connection is used again";
}

TEST_F(CacheTest, WhoChangesSomethingMakesItForgotten) {
    Backend backend(serve([&](const Message& asked) {
        if (asked.start.starts_with("POST /fail")) return std::string("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        if (asked.start.starts_with("POST")) return ok("done", "Location: /other\r\n");
        return ok("x", kFresh);
    }));
    use(backend);
    auto connection = client();
    for (const char* path : {"/item", "/other", "/fail"}) connection.request(get(path));
    connection.request(with_length("POST", "a=b"));  // of "/"
    EXPECT_EQ(status(connection.request(get("/other"))), "fwd=uri-miss; stored") << "named by Location";
    EXPECT_EQ(status(connection.request(get("/item"))), "hit");
    connection.request("POST /item HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(status(connection.request(get("/item"))), "fwd=uri-miss; stored");
    connection.request("POST /fail HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(status(connection.request(get("/fail"))), "hit") << "nothing came of it";
}

TEST_F(CacheTest, RequestsSayWhatTheyWant) {
    Backend backend(serve([&](const Message&) { return ok("x", kFresh); }));
    use(backend);
    auto connection = client();
    EXPECT_EQ(connection.request(get("/", "Cache-Control: only-if-cached\r\n")).status(), 504);
    EXPECT_EQ(backend.requests(), 0);
    connection.request(get("/"));
    EXPECT_EQ(status(connection.request(get("/", "Cache-Control: only-if-cached\r\n"))), "hit");
    EXPECT_EQ(status(connection.request(get("/", "Cache-Control: no-cache\r\n"))), "fwd=request; stored");
    EXPECT_EQ(status(connection.request(get("/", "Range: bytes=0-0\r\n"))), "fwd=bypass");
    EXPECT_EQ(status(connection.request("DELETE /x HTTP/1.1\r\nHost: web\r\n\r\n")), "fwd=method");
}

TEST_F(CacheTest, ItStandsInForAHostThatFails) {
    std::atomic<int> mode{0};
    Backend backend([&](Peer& peer) {
        while (peer.next()) {
            if (mode == 1) peer.send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
            if (mode == 2) return;
            if (mode == 0) peer.send(ok("kept", "Cache-Control: max-age=0, stale-if-error=60\r\nETag: \"a\"\r\n"));
        }
    });
    use(backend);
    auto connection = client();
    EXPECT_EQ(connection.request(get("/")).body, "kept");
    for (const int failing : {1, 2}) {
        mode = failing;
        const auto got = connection.request(get("/"));
        EXPECT_EQ(got.body, "kept") << failing;
        EXPECT_EQ(status(got), "hit; detail=stale-if-error");
    }
    mode = 1;
    EXPECT_EQ(connection.request(get("/else")).status(), 503);
    EXPECT_EQ(counters().cache.stale.get(), 2U);
}

TEST_F(CacheTest, WhatIsKeptIsCompressedForWhoTakesIt) {
    upstream_.policy.http.compression.emplace();
    Backend backend(serve([&](const Message&) {
        return ok(pattern(50'000), std::string(kFresh) + "Content-Type: text/html\r\nETag: \"v1\"\r\n");
    }));
    use(backend);
    auto connection = client();
    EXPECT_EQ(decode(config::Coding::brotli, connection.request(get("/", "Accept-Encoding: br\r\n")).body),
              pattern(50'000));
    const auto zstd = connection.request(get("/", "Accept-Encoding: zstd\r\n"));
    EXPECT_EQ(decode(config::Coding::zstd, zstd.body), pattern(50'000));
    EXPECT_EQ(zstd.field("etag"), "W/\"v1\"");
    EXPECT_EQ(connection.request(get("/", "Accept-Encoding: zstd\r\nIf-None-Match: W/\"v1\"\r\n")).status(), 304);
    const auto plain = connection.request(get("/"));
    EXPECT_EQ(plain.body, pattern(50'000));
    EXPECT_EQ(plain.field("vary"), "Accept-Encoding");
    EXPECT_EQ(backend.requests(), 1);
}

TEST_F(CacheTest, AClientThatDoesNotReadCostsNoBuffer) {
    upstream_.policy.http.cache = config::Cache{.max_bytes = 64 << 20, .max_object_bytes = 16 << 20};
    const std::string body = pattern(10'000'000);
    Backend backend(serve([&](const Message&) { return ok(body, kFresh); }));
    use(backend);
    EXPECT_EQ(client().request(get("/")).body, body);
    auto slow = client(4096);
    slow.send(get("/"));
    EXPECT_TRUE(eventually([&] { return counters().cache.hits.get() == 1; }));
    EXPECT_LE(buffer_bytes(), BufferPool::kLarge);
    use_nothing();  // what is sent outlives the store
    EXPECT_EQ(slow.read_response().body, body);
}

}  // namespace
}  // namespace steelyard::test
