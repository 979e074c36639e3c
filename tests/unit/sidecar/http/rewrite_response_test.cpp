#include <gtest/gtest.h>

#include <vector>

#include "sidecar/http/rewrite.hpp"
#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

std::string rewritten(std::string_view text, const ResponseRewrite& rewrite = {}, Method method = Method::get) {
    const auto parsed = response(text, method);
    EXPECT_EQ(parsed->result.state, ParseState::complete) << printable(text);
    std::vector<char> out(32 * 1024);
    const size_t size = write_response_head(parsed->head, rewrite, out);
    return {out.data(), size};
}

TEST(RewriteResponse, PassesOrdinaryFieldsOnAndDropsHopByHopOnes) {
    EXPECT_EQ(
        rewritten(
            "HTTP/1.0 200 Fine\r\nServer: b\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=2\r\nX-Hop: 1\r\n"
            "Proxy-Authenticate: Basic\r\nContent-Length: 3\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nUpgrade: h2\r\n\r\n"),
        "HTTP/1.1 200 Fine\r\nServer: b\r\nContent-Length: 3\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n");
}

TEST(RewriteResponse, SaysHowTheConnectionGoesOn) {
    const std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n";
    EXPECT_EQ(rewritten(head), start + "\r\n");
    EXPECT_EQ(rewritten(head, {.close = true}), start + "Connection: close\r\n\r\n");
    EXPECT_EQ(rewritten(head, {.client_minor_version = 0}), start + "Connection: keep-alive\r\n\r\n");
    EXPECT_EQ(rewritten(head, {.close = true, .client_minor_version = 0}), start + "Connection: close\r\n\r\n");
    EXPECT_EQ(rewritten("HTTP/1.1 200 OK\r\n\r\n"), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        << "a body until close cannot be followed by anything";
    EXPECT_EQ(rewritten("HTTP/1.1 100 Continue\r\n\r\n", {.close = true}), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(RewriteResponse, KeepsChunksUnlessTheClientCannotReadThem) {
    const std::string_view head = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nTrailer: X\r\nX: y\r\n\r\n";
    EXPECT_EQ(rewritten(head), "HTTP/1.1 200 OK\r\nTrailer: X\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(rewritten(head, {.client_minor_version = 0, .strip_chunked = true}),
              "HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(rewritten(head, {}, Method::head), "HTTP/1.1 200 OK\r\nTrailer: X\r\nX: y\r\n\r\n");
}

TEST(RewriteResponse, NamesALengthOnlyWhereOneMayBe) {
    EXPECT_EQ(rewritten("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"), "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(rewritten("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
              "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
    EXPECT_EQ(rewritten("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", {}, Method::head),
              "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    EXPECT_EQ(rewritten("HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 9\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
}

TEST(RewriteResponse, PassesAnUpgradeOn) {
    EXPECT_EQ(rewritten("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                        "websocket\r\nSec-WebSocket-Accept: k\r\n\r\n",
                        {.upgraded = true}),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: k\r\nConnection: "
              "upgrade\r\n\r\n");
}

TEST(RewriteResponse, GivesZeroWhenTheOutputIsTooSmallByAnyAmount) {
    const auto parsed = response("HTTP/1.1 200 OK\r\nA:1\r\nB: 2\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::vector<char> out(1024);
    const size_t whole = write_response_head(parsed->head, {.close = true}, out);
    ASSERT_GT(whole, 0U);
    for (size_t size = 0; size < whole; ++size) {
        std::vector<char> small(size + 1, '#');
        EXPECT_EQ(write_response_head(parsed->head, {.close = true}, {small.data(), size}), 0U) << size;
        EXPECT_EQ(small[size], '#');
    }
}

TEST(WriteError, IsAWholeResponseThatOurOwnParserAccepts) {
    char out[512];
    for (const bool close : {false, true}) {
        const size_t size = write_error(503, "no endpoint of shop/web:http is ready", close, false, out);
        const auto parsed = response({out, size});
        ASSERT_EQ(parsed->result.state, ParseState::complete);
        EXPECT_EQ(parsed->head.status, 503);
        EXPECT_EQ(parsed->head.keep_alive, !close);
        const std::string_view body(out + parsed->result.head_bytes, size - parsed->result.head_bytes);
        EXPECT_EQ(body, "503 Service Unavailable: no endpoint of shop/web:http is ready\n");
        EXPECT_EQ(parsed->head.content_length, body.size());
    }
    const size_t size = write_error(400, "x", true, true, out);
    EXPECT_TRUE(std::string_view(out, size).ends_with("\r\n\r\n")) << "HEAD has no body";
}

TEST(WriteError, FitsIn512BytesWithADetailOf200) {
    char out[512];
    for (uint16_t status = 100; status < 600; ++status) {
        EXPECT_GT(write_error(status, std::string(200, 'd'), true, false, out), 0U) << status;
        EXPECT_FALSE(reason_phrase(status).empty());
    }
    EXPECT_EQ(write_error(400, std::string(600, 'd'), true, false, out), 0U);
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(299), "Unknown");
}

}  // namespace
}  // namespace steelyard::http
