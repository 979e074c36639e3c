#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sidecar/http/rewrite.hpp"
#include "sidecar/http/scan.hpp"
#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

constexpr ForwardedFor kFrom{.client_address = "10.1.2.3"};
constexpr std::string_view kForwarded =
    "X-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.test\r\n\r\n";

std::string rewritten(const RequestHead& head, const ForwardedFor& from = kFrom) {
    std::vector<char> out(32 * 1024);
    const size_t size = write_request_head(head, from, "default.test", out);
    return {out.data(), size};
}
std::string rewritten(std::string_view text, const ForwardedFor& from = kFrom) {
    const auto parsed = request(text);
    EXPECT_EQ(parsed->result.state, ParseState::complete) << printable(text) << to_string(parsed->result.fault);
    return rewritten(parsed->head, from);
}
size_t scan_for(std::string text, std::string_view wanted) {
    for (char& c : text) c = scan::lower(c);
    return text.find(wanted);
}
// A GET of a.test with these lines, without what is always the same in the result: request line, Host, forwarding.
std::string kept(std::string_view lines) {
    const std::string text = rewritten("GET / HTTP/1.1\r\nHost: a.test\r\n" + std::string(lines) + "\r\n");
    constexpr std::string_view kStart = "GET / HTTP/1.1\r\nHost: a.test\r\n";
    EXPECT_EQ(text.substr(0, kStart.size()), kStart);
    EXPECT_TRUE(text.ends_with(kForwarded)) << text;
    return text.substr(kStart.size(), text.size() - kStart.size() - kForwarded.size());
}

TEST(RewriteRequest, PassesOrdinaryFieldsOnInOrderWithHostFirst) {
    EXPECT_EQ(rewritten("GET /a?b HTTP/1.1\r\nAccept: */*\r\nHost: a.test\r\nX-B: c\r\nCookie: d\r\n\r\n"),
              "GET /a?b HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\nX-B: c\r\nCookie: d\r\n" + std::string(kForwarded));
}

TEST(RewriteRequest, IsAlwaysHttp11InOriginForm) {
    const struct {
        std::string_view line;
        std::string_view start;
    } cases[] = {
        {"GET http://a.test/x?y HTTP/1.1", "GET /x?y HTTP/1.1\r\nHost: a.test\r\n"},
        {"GET http://a.test HTTP/1.1", "GET / HTTP/1.1\r\nHost: a.test\r\n"},
        {"OPTIONS http://a.test HTTP/1.1", "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n"},
        {"BREW /pot HTTP/1.0", "BREW /pot HTTP/1.1\r\nHost: a.test\r\n"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(rewritten(std::string(c.line) + "\r\nHost: a.test\r\n\r\n"),
                  std::string(c.start) + std::string(kForwarded));
    }
}

TEST(RewriteRequest, GivesHttp10WithoutHostTheDefaultOne) {
    EXPECT_EQ(rewritten("GET / HTTP/1.0\r\n\r\n"),
              "GET / HTTP/1.1\r\nHost: default.test\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: http\r\n\r\n");
}

TEST(RewriteRequest, RemovesHopByHopFieldsAndWhatConnectionNames) {
    const struct {
        std::string_view lines;
        std::string_view kept;
    } cases[] = {
        {"Connection: close\r\nX: y\r\n", "X: y\r\n"},
        {"X: y\r\nConnection: keep-alive\r\nZ: y\r\n", "X: y\r\nZ: y\r\n"},
        {"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX: y\r\n", "X: y\r\n"},
        {"Proxy-Authorization: Basic x\r\nProxy-Authenticate: x\r\nAuthorization: Bearer z\r\n",
         "Authorization: Bearer z\r\n"},
        {"X-Hop: 1\r\nConnection: x-hop\r\nX-Hop: 2\r\nX-End: 3\r\n", "X-End: 3\r\n"},
        {"Connection: close, X-A ,X-B\r\nConnection: X-C\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\nX-D: 4\r\n", "X-D: 4\r\n"},
        {"Connection: trailer\r\nTrailer: x\r\n", ""},
        {"Trailer: x\r\n", "Trailer: x\r\n"},
        {"TE: gzip\r\n", ""},
        {"TE: trailers\r\nConnection: TE\r\n", "TE: trailers\r\nConnection: TE\r\n"},
        {"TE: gzip;q=0.5, Trailers\r\n", "TE: trailers\r\nConnection: TE\r\n"},
        {"Upgrade: websocket\r\n", ""},
        {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n", ""},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n",
         "Upgrade: websocket\r\nSec-WebSocket-Key: k\r\nConnection: upgrade\r\n"},
        {"Connection: Upgrade, TE\r\nTE: trailers\r\nUpgrade: x\r\n",
         "Upgrade: x\r\nTE: trailers\r\nConnection: upgrade, TE\r\n"},
        {"Connection: ,,\r\nX: y\r\n", "X: y\r\n"},
    };
    for (const auto& c : cases) EXPECT_EQ(kept(c.lines), c.kept) << printable(c.lines);
}

TEST(RewriteRequest, NeverLosesFramingHostOrForwardingBecauseConnectionNamesThem) {
    EXPECT_EQ(kept("Connection: Host, Content-Length, Expect\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"),
              "Content-Length: 5\r\nExpect: 100-continue\r\n");
    EXPECT_EQ(kept("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n"),
              "Transfer-Encoding: chunked\r\n");
    const std::string sent =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Real-IP, "
        "Forwarded\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n"
        "X-Real-IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n\r\n";
    EXPECT_EQ(rewritten(sent, {.client_address = "10.1.2.3", .trusted = true}),
              "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nX-Real-IP: 1.1.1.1\r\n"
              "Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 1.1.1.1, 10.1.2.3\r\n\r\n");
    EXPECT_EQ(kept("Connection: traceparent, X-Request-Id\r\nX-Request-Id: 1\r\n"
                   "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"),
              "")
        << "these go no further than their sender wants";
}

TEST(RewriteRequest, RemovesWhatAGatewayTakesForAFieldOfOurs) {
    EXPECT_EQ(kept("X_Forwarded_For: 1.1.1.1\r\nx-forwarded_proto: https\r\nX: y\r\nContent_Length: 9\r\n"
                   "TRANSFER_ENCODING: chunked\r\nX_Y: z\r\n"),
              "X: y\r\nX_Y: z\r\n");
}

TEST(RewriteRequest, WritesFramingInOneCanonicalWay) {
    EXPECT_EQ(kept("transfer-encoding:  CHUNKED\r\nX: y\r\n"), "X: y\r\nTransfer-Encoding: chunked\r\n");
    EXPECT_EQ(kept("content-length:5 \r\n"), "content-length: 5\r\n");
}

TEST(RewriteRequest, NormalisesWhiteSpaceAroundValues) {
    EXPECT_EQ(kept("A:1\r\nB:\t2\r\nC:  3\r\nD: 4 \t\r\nE:\r\nF: \r\nG: 7\r\n"),
              "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: \r\nF: \r\nG: 7\r\n");
}

TEST(RewriteRequest, JoinsForwardedForIntoOneAndKeepsWhatATrustedPeerTells) {
    EXPECT_EQ(rewritten("GET / HTTP/1.1\r\nHost: a\r\nx-forwarded-for: 1.1.1.1, 2.2.2.2\r\nX: y\r\nX-Forwarded-For:\r\n"
                        "X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: https\r\n\r\n",
                        {.client_address = "10.1.2.3", .trusted = true}),
              "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX-Forwarded-Proto: https\r\n"
              "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 2001:db8::1, 10.1.2.3\r\nX-Forwarded-Host: a\r\n\r\n");
}

TEST(RewriteRequest, BelievesNothingOfAPeerThatIsNotTrusted) {
    EXPECT_EQ(
        kept("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nx-forwarded-host: b\r\nX-Real-IP: 1.1.1.1\r\n"
             "Forwarded: for=1.1.1.1;proto=https\r\nX: y\r\nX_Real_IP: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n"),
        "X: y\r\n");
}

TEST(RewriteRequest, WritesXRealIpSaveWhereATrustedPeerDid) {
    const std::string sent = "GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 1.1.1.1\r\n\r\n";
    const std::string tail = "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n";
    EXPECT_EQ(rewritten(sent, {.client_address = "10.1.2.3", .real_ip = "9.9.9.9"}),
              "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.1.2.3\r\n" + tail + "X-Real-IP: 9.9.9.9\r\n\r\n");
    EXPECT_EQ(rewritten(sent, {.client_address = "10.1.2.3", .trusted = true, .real_ip = "9.9.9.9"}),
              "GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 1.1.1.1\r\nX-Forwarded-For: 10.1.2.3\r\n" + tail + "\r\n");
}

TEST(RewriteRequest, WritesForwardedWithQuotesWhereTheyAreNeeded) {
    const std::string sent =
        "GET / HTTP/1.1\r\nHost: a:81\r\nForwarded: for=1.1.1.1\r\nX: y\r\nForwarded: for=\"[::2]\";by=b\r\n\r\n";
    const auto forwarded = [&](const ForwardedFor& from) {
        const std::string text = rewritten(sent, from);
        const size_t at = text.find("Forwarded: for");
        return at == std::string::npos ? "none" : text.substr(at, text.find("\r\n", at) - at);
    };
    EXPECT_EQ(forwarded({.client_address = "10.1.2.3"}), "none");
    EXPECT_EQ(forwarded({.client_address = "10.1.2.3", .forwarded = true}),
              "Forwarded: for=10.1.2.3;host=\"a:81\";proto=http");
    EXPECT_EQ(forwarded({.client_address = "fd00::1", .proto = "https", .forwarded = true}),
              "Forwarded: for=\"[fd00::1]\";host=\"a:81\";proto=https");
    EXPECT_EQ(forwarded({.client_address = "10.1.2.3", .trusted = true, .forwarded = true}),
              "Forwarded: for=1.1.1.1, for=\"[::2]\";by=b, for=10.1.2.3;host=\"a:81\";proto=http");
    EXPECT_NE(rewritten(sent, {.client_address = "10.1.2.3", .trusted = true})
                  .find("Forwarded: for=1.1.1.1\r\nX: y\r\nForwarded: for=\"[::2]\";by=b\r\n"),
              std::string::npos);
}

TEST(RewriteRequest, PutsItsRequestIdInThePlaceOfAllOthers) {
    const std::string sent = "GET / HTTP/1.1\r\nHost: a.test\r\nX-Request-Id: 1\r\nx-request-id: 2\r\n\r\n";
    EXPECT_NE(rewritten(sent).find("X-Request-Id: 1\r\nx-request-id: 2\r\n"), std::string::npos);
    const std::string ours = rewritten(sent, {.client_address = "10.1.2.3", .request_id = "abc"});
    EXPECT_TRUE(ours.ends_with("\r\nX-Request-Id: abc\r\n\r\n")) << ours;
    EXPECT_EQ(ours.find("equest-id"), std::string::npos);
}

TEST(RewriteRequest, PassesAWellFormedTraceOnAndDropsTheRest) {
    constexpr std::string_view kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const std::string good = "traceparent: " + std::string(kGood) + "\r\n";
    const std::string state = "tracestate: a=b\r\n";
    EXPECT_EQ(kept(good + state), good + state);
    EXPECT_EQ(kept(state), "") << "a state of no trace";
    EXPECT_EQ(kept("traceparent: 00-x\r\n" + state), "");
    EXPECT_EQ(kept(good + good + state), "") << "of two nobody knows which";
    const ForwardedFor from{.client_address = "10.1.2.3", .traceparent = "new"};
    EXPECT_EQ(rewritten("GET / HTTP/1.1\r\nHost: a\r\n" + good + "\r\n", from).find("new"), std::string::npos);
    EXPECT_TRUE(
        rewritten("GET / HTTP/1.1\r\nHost: a\r\n" + state + "\r\n", from).ends_with("\r\ntraceparent: new\r\n\r\n"));
}

TEST(RewriteRequest, PassesExpectOnSaveFromHttp10) {
    EXPECT_EQ(kept("Expect: 100-continue\r\n"), "Expect: 100-continue\r\n");
    EXPECT_EQ(rewritten("GET / HTTP/1.0\r\nHost: a.test\r\nExpect: 100-continue\r\n\r\n"),
              "GET / HTTP/1.1\r\nHost: a.test\r\n" + std::string(kForwarded));
}

TEST(RewriteRequest, TakesOneHopOffMaxForwardsOfTraceAndOptions) {
    const auto hops = [](std::string_view method, std::string_view value) {
        const std::string text = rewritten(
            std::string(method) + " / HTTP/1.1\r\nHost: a\r\nmax-forwards: " + std::string(value) + "\r\n\r\n");
        const size_t at = scan_for(text, "max-forwards: ");
        return at == std::string::npos ? "none" : text.substr(at + 14, text.find("\r\n", at) - at - 14);
    };
    EXPECT_EQ(hops("TRACE", "1"), "0");
    EXPECT_EQ(hops("OPTIONS", "010"), "9");
    EXPECT_EQ(hops("OPTIONS", "99999999999999999999999999"), "999999998");
    EXPECT_EQ(hops("GET", "0"), "0") << "is no business of ours";
    EXPECT_EQ(hops("GET", "x"), "x");
}

TEST(RewriteRequest, WritesAHeadThatWasPutTogetherByHand) {
    RequestHead head;
    head.method_text = "GET";
    head.path = "/";
    head.authority = "a.test";
    head.headers.push({"X-One", "1"});
    head.headers.push({"X-Two", "2"});
    EXPECT_EQ(rewritten(head), "GET / HTTP/1.1\r\nHost: a.test\r\nX-One: 1\r\nX-Two: 2\r\n" + std::string(kForwarded));
}

TEST(RewriteRequest, GivesZeroWhenTheOutputIsTooSmallByAnyAmount) {
    constexpr ForwardedFor kAll{.client_address = "fd00::1",
                                .trusted = true,
                                .real_ip = "9.9.9.9",
                                .forwarded = true,
                                .request_id = "abc",
                                .traceparent = "new"};
    const auto parsed = request(
        "POST /a HTTP/1.1\r\nHost: a.test\r\nX-A:1\r\nX-B: 2\r\nTE: trailers\r\nX-Forwarded-For: 1.1.1.1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    const std::string whole = rewritten(parsed->head, kAll);
    for (size_t size = 0; size < whole.size(); ++size) {
        std::vector<char> out(size + 1, '#');
        EXPECT_EQ(write_request_head(parsed->head, kAll, "", {out.data(), size}), 0U) << size;
        EXPECT_EQ(out[size], '#');
    }
    std::vector<char> out(whole.size());
    EXPECT_EQ(write_request_head(parsed->head, kAll, "", out), whole.size());
}

}  // namespace
}  // namespace steelyard::http
