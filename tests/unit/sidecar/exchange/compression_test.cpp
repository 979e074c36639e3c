// Answers that are compressed on their way, over real sockets: what the client can read of them is what the host sent.
#include "tests/unit/sidecar/compress/decode.hpp"
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using config::Coding;

constexpr std::string_view kHtml = "Content-Type: text/html\r\n";

std::string asking(std::string_view coding, std::string_view fields = {}) {
    return "GET / HTTP/1.1\r\nHost: web\r\nAccept-Encoding: " + std::string(coding) + "\r\n" + std::string(fields) +
           "\r\n";
}

class CompressionTest : public WorkerTest {
protected:
    CompressionTest() {
        upstream_.policy.http.compression.emplace();
        upstream_.policy.http.compression->min_bytes = 10;
    }
    uint64_t compressed(Coding coding) { return counters().compression.responses[static_cast<size_t>(coding)].get(); }
};

TEST_F(CompressionTest, BodiesOfEverySizeAndFramingComeOutAsTheyWentIn) {
    const std::vector<std::pair<std::string, Coding>> codings{
        {"gzip", Coding::gzip}, {"br", Coding::brotli}, {"zstd", Coding::zstd}};
    for (const size_t size : {size_t{10}, size_t{5000}, size_t{19'000}, size_t{60'000}, size_t{1'000'000}}) {
        const std::string body = pattern(size);
        for (const bool chunked : {false, true}) {
            std::string answer = ok(body, kHtml);
            if (chunked) {
                answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n";
                for (size_t at = 0; at < size; at += 7000) answer += chunk(std::string_view(body).substr(at, 7000));
                answer += chunk("");
            }
            Backend backend(serve([&](const Message&) { return answer; }));
            use(backend);
            auto connection = client();
            for (const auto& [token, coding] : codings) {
                const auto got = connection.request(asking(token));
                ASSERT_TRUE(got) << size;
                EXPECT_EQ(got.field("content-encoding"), token);
                EXPECT_EQ(got.field("vary"), "Accept-Encoding");
                EXPECT_EQ(got.field("content-length"), "");
                EXPECT_EQ(got.field("transfer-encoding"), "chunked");
                ASSERT_EQ(decode(coding, got.body), body) << size << ' ' << token << (chunked ? " chunked" : "");
            }
            EXPECT_EQ(backend.connections(), 1) << "the host's connection is used again";
        }
    }
    EXPECT_EQ(compressed(Coding::gzip), 10U);
    EXPECT_EQ(compressed(Coding::zstd), 10U);
    EXPECT_EQ(counters().compression.bytes_in.get(), 6 * (10U + 5000 + 19'000 + 60'000 + 1'000'000));
}

TEST_F(CompressionTest, WhatIsNotToBeCompressedIsPassedOnAsItIs) {
    const std::string body = pattern(3000);
    Backend backend(serve([&](const Message& asked) {
        if (asked.start.starts_with("GET /png")) return ok(body, "Content-Type: image/png\r\n");
        if (asked.start.starts_with("GET /tiny")) return ok("tiny", kHtml);
        return ok(body, kHtml);
    }));
    use(backend);
    auto connection = client();
    for (const char* request :
         {"GET /png HTTP/1.1\r\nHost: web\r\nAccept-Encoding: gzip\r\n\r\n",
          "GET /tiny HTTP/1.1\r\nHost: web\r\nAccept-Encoding: gzip\r\n\r\n",
          "GET /mine HTTP/1.1\r\nHost: web\r\nAccept-Encoding: gzip\r\nCookie: a=b\r\n\r\n",
          "GET /never HTTP/1.1\r\nHost: web\r\nAccept-Encoding: gzip;q=0\r\n\r\n",
          "GET /plain HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n\r\n"}) {
        const auto got = connection.request(request);
        EXPECT_EQ(got.field("content-encoding"), "") << request;
        EXPECT_EQ(got.body.size(), got.field("content-length") == "4" ? 4U : 3000U) << request;
    }
    EXPECT_EQ(connection.request("GET /never HTTP/1.1\r\nHost: web\r\n\r\n").field("vary"), "Accept-Encoding");
    EXPECT_EQ(connection.request("GET /png HTTP/1.1\r\nHost: web\r\n\r\n").field("vary"), "");
}

TEST_F(CompressionTest, WhatBelongsToTheOldBytesGoesAndTheETagBecomesWeak) {
    Backend backend(serve([&](const Message&) {
        return ok(pattern(3000),
                  "Content-Type: text/css\r\nETag: \"v1\"\r\nAccept-Ranges: bytes\r\nVary: Cookie\r\nX-Other: 1\r\n");
    }));
    use(backend);
    auto connection = client();
    const auto got = connection.request(asking("gzip"));
    EXPECT_EQ(got.field("etag"), "W/\"v1\"");
    EXPECT_EQ(got.field("accept-ranges"), "");
    EXPECT_EQ(got.field("x-other"), "1");
    EXPECT_EQ(got.fields.count("vary"), 2U);
    const auto plain = connection.request(std::string(kGet));
    EXPECT_EQ(plain.field("etag"), "\"v1\"");
    EXPECT_EQ(plain.field("accept-ranges"), "bytes");
}

TEST_F(CompressionTest, HeadAnd304SayWhatGetSays) {
    Backend backend(serve([&](const Message& asked) {
        if (asked.field("if-none-match") == "W/\"v1\"")
            return std::string("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n");
        return "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nETag: \"v1\"\r\nContent-Length: 3000\r\n\r\n" +
               (asked.start.starts_with("HEAD") ? std::string() : pattern(3000));
    }));
    use(backend);
    auto connection = client();
    const auto head = connection.request("HEAD / HTTP/1.1\r\nHost: web\r\nAccept-Encoding: br\r\n\r\n", "HEAD");
    EXPECT_EQ(head.field("content-encoding"), "br");
    EXPECT_EQ(head.field("content-length"), "");
    EXPECT_EQ(head.field("etag"), "W/\"v1\"");
    const auto not_modified = connection.request(asking("br", "If-None-Match: W/\"v1\"\r\n"));
    EXPECT_EQ(not_modified.status(), 304);
    EXPECT_EQ(not_modified.field("etag"), "W/\"v1\"");
    EXPECT_EQ(not_modified.field("content-encoding"), "");
    EXPECT_EQ(decode(Coding::brotli, connection.request(asking("br")).body), pattern(3000)) << "the connection goes on";
}

TEST_F(CompressionTest, APartIsPassedOnAsAPart) {
    Backend backend(serve([&](const Message&) {
        return std::string(
                   "HTTP/1.1 206 Partial Content\r\nContent-Type: text/css\r\nContent-Range: bytes "
                   "0-19/3000\r\nContent-Length: 20\r\n\r\n") +
               pattern(20);
    }));
    use(backend);
    const auto got = client().request(asking("gzip", "Range: bytes=0-19\r\n"));
    EXPECT_EQ(got.body, pattern(20));
    EXPECT_EQ(got.field("content-encoding"), "");
}

TEST_F(CompressionTest, WhatTheHostSendsInPiecesCanBeReadInPieces) {
    std::atomic<int> arrived{0};
    Backend backend([&](Peer& peer) {
        while (peer.next()) {
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      chunk("first part, "));
            if (!eventually([&] { return arrived == 1; })) return;
            peer.send(chunk("second part"));
            if (!eventually([&] { return arrived == 2; })) return;
            peer.send(chunk(""));
        }
    });
    use(backend);
    for (const auto& [token, coding] :
         {std::pair{"gzip", Coding::gzip}, {"br", Coding::brotli}, {"zstd", Coding::zstd}}) {
        auto connection = client();
        connection.send(asking(token));
        connection.read_until("\r\n\r\n");
        std::string raw;
        const auto next_piece = [&] {
            const std::string size = connection.read_until("\r\n");
            if (size.empty()) return;
            raw += connection.read(std::stoul(size, nullptr, 16));
            connection.read(2);
        };
        const auto readable = [&](std::string_view wanted) {
            while (decode(coding, raw, false) != wanted && connection.end() == Socket::End::open) next_piece();
            return decode(coding, raw, false) == wanted;
        };
        arrived = 0;
        ASSERT_TRUE(readable("first part, ")) << token;
        arrived = 1;
        ASSERT_TRUE(readable("first part, second part")) << token;
        arrived = 2;
        while (!decode(coding, raw) && connection.end() == Socket::End::open) next_piece();
        EXPECT_EQ(connection.read_until("\r\n\r\n"), "0\r\n\r\n");
    }
}

TEST_F(CompressionTest, ABodyThatIsCutIsCutForTheClientToo) {
    Backend backend([](Peer& peer) {
        peer.next();
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n" + pattern(50'000));
    });
    use(backend);
    auto connection = client();
    connection.send(asking("gzip"));
    const auto got = connection.read_response();
    EXPECT_FALSE(got.complete);
    EXPECT_NE(connection.end(), Socket::End::open);
    EXPECT_EQ(failures(Failure::upstream_cut), 1U);
}

TEST_F(CompressionTest, ABodyThatEndsWithTheConnectionIsWholeInChunks) {
    Backend backend([](Peer& peer) {
        peer.next();
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + pattern(30'000));
    });
    use(backend);
    const auto got = client().request(asking("zstd"));
    ASSERT_TRUE(got);
    EXPECT_EQ(decode(Coding::zstd, got.body), pattern(30'000));
}

TEST_F(CompressionTest, AClientThatDoesNotReadHoldsTheHostBack) {
    constexpr size_t kSize = 30'000'000;
    std::string noise(kSize, 0);
    uint32_t state = 1;
    for (char& c : noise) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    std::atomic<bool> sent{false};
    Backend backend([&](Peer& peer) {
        peer.next();
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " + std::to_string(kSize) +
                  "\r\n\r\n" + noise);
        sent = true;
    });
    use(backend);
    auto connection = client(4096);
    connection.send(asking("gzip"));
    connection.read_until("\r\n\r\n");
    EXPECT_FALSE(eventually([&] { return sent.load(); }, std::chrono::milliseconds(300)));
    EXPECT_LE(buffer_bytes(), 200'000U);
    connection.close();
    EXPECT_TRUE(eventually([&] { return failures(Failure::client_gone) == 1; }));
}

}  // namespace
}  // namespace steelyard::test
