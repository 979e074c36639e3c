#include <gtest/gtest.h>

#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

constexpr std::string_view kHost = "Host: shop.test\r\n\r\n";

TEST(RequestLine, SaysMethodTargetAndVersionAsViewsOfTheInput) {
    const std::string text = "PUT /cart/7?qty=2&x=%20 HTTP/1.1\r\nHost: shop.test:8080\r\nAccept: */*\r\n\r\n";
    const auto parsed = request(text + "body");
    ASSERT_EQ(parsed->result.state, ParseState::complete);
    EXPECT_EQ(parsed->result.head_bytes, text.size());
    const RequestHead& head = parsed->head;
    EXPECT_EQ(head.method, Method::put);
    EXPECT_EQ(head.method_text, "PUT");
    EXPECT_EQ(head.target, "/cart/7?qty=2&x=%20");
    EXPECT_EQ(head.path, "/cart/7?qty=2&x=%20");
    EXPECT_EQ(head.authority, "shop.test:8080");
    EXPECT_EQ(head.minor_version, 1);
    EXPECT_EQ(head.framing, Framing::none);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_EQ(head.path.data(), parsed->bytes.get() + 4);
}

TEST(RequestLine, KnowsEveryMethodAndPassesUnknownOnesThrough) {
    const struct {
        std::string_view text;
        Method method;
    } cases[] = {
        {"GET", Method::get},
        {"HEAD", Method::head},
        {"POST", Method::post},
        {"PUT", Method::put},
        {"DELETE", Method::delete_},
        {"PATCH", Method::patch},
        {"OPTIONS", Method::options},
        {"TRACE", Method::trace},
        {"PROPFIND", Method::other},
        {"M-SEARCH", Method::other},
        {"get2", Method::other},
        {"G", Method::other},
        {"a-method-of-more-than-sixteen-letters!", Method::other},
    };
    for (const auto& c : cases) {
        const auto parsed = request(std::string(c.text) + " / HTTP/1.1\r\n" + std::string(kHost));
        EXPECT_EQ(parsed->result.state, ParseState::complete) << c.text;
        EXPECT_EQ(parsed->head.method, c.method) << c.text;
        EXPECT_EQ(parsed->head.method_text, c.text);
    }
}

TEST(RequestLine, IsRefusedWhenAnotherParserCouldReadItOtherwise) {
    const struct {
        std::string_view line;
        Fault fault;
    } cases[] = {
        {"GET  / HTTP/1.1\r\n", Fault::bad_request_line},
        {"GET /  HTTP/1.1\r\n", Fault::bad_request_line},
        {"GET / HTTP/1.1 \r\n", Fault::bad_request_line},
        {" GET / HTTP/1.1\r\n", Fault::bad_request_line},
        {"GET\t/ HTTP/1.1\r\n", Fault::bad_request_line},
        {"GET /\tHTTP/1.1\r\n", Fault::bad_target},
        {"GET /a b HTTP/1.1\r\n", Fault::bad_request_line},
        {"G(ET / HTTP/1.1\r\n", Fault::bad_request_line},
        {"Get / HTTP/1.1\r\n", Fault::bad_request_line},  // a known method in another case
        {"head / HTTP/1.1\r\n", Fault::bad_request_line},
        {"GET\r\n", Fault::bad_request_line},
        {"GET /\r\n", Fault::bad_request_line},  // HTTP/0.9
        {"GET / \r\n", Fault::bad_request_line},
        {"GET / http/1.1\r\n", Fault::bad_request_line},  // HTTP-name is case-sensitive
        {"GET / HTTP/1,1\r\n", Fault::bad_request_line},
        {"GET / HTTP/1.1x\r\n", Fault::bad_request_line},
        {"GET / HTTP/1.10\r\n", Fault::bad_request_line},
        {"GET / HTTP/11\r\n", Fault::bad_request_line},
        {"GET / HTTPS/1.1\r\n", Fault::bad_request_line},
        {"GET / X\r\n", Fault::bad_request_line},
        {"GET / HTTP/0.9\r\n", Fault::bad_version},
        {"GET / HTTP/1.2\r\n", Fault::bad_version},
        {"GET / HTTP/2.0\r\n", Fault::bad_version},
        {"PRI * HTTP/2.0\r\n", Fault::bad_version},  // HTTP/2 with prior knowledge
        {"GET / HTTP/1.1\n", Fault::bare_line_feed},
        {"GET /\n", Fault::bare_line_feed},
        {"GET\n", Fault::bare_line_feed},
        {"GET / HTTP/1.1\rX", Fault::bare_line_feed},
        {"GET / HTTP/1.1\r\r\n", Fault::bare_line_feed},
        {"\nGET / HTTP/1.1\r\n", Fault::bare_line_feed},
        {"\r\n\r\nGET / HTTP/1.1\r\n", Fault::bad_request_line},
        {"\x16\x03\x01\x02", Fault::bad_request_line},  // TLS on a plain port
    };
    for (const auto& c : cases) {
        EXPECT_EQ(request_fault(std::string(c.line) + std::string(kHost)), c.fault) << printable(c.line);
        EXPECT_EQ(request_fault(c.line), c.fault) << "already without the rest: " << printable(c.line);
    }
}

TEST(RequestLine, MayFollowExactlyOneEmptyLine) {
    const auto parsed = request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(parsed->result.state, ParseState::complete);
    EXPECT_EQ(parsed->result.head_bytes, 29U);
    EXPECT_EQ(parsed->head.method, Method::get);
}

TEST(RequestLine, TargetHoldsNoByteThatIsNotVisibleAscii) {
    for (int byte = 0; byte < 256; ++byte) {
        // Twice: within the first 16 bytes and behind them.
        for (const std::string_view before : {"/", "/a-path-that-is-long-enough-for-blocks"}) {
            const auto c = static_cast<char>(byte);
            const std::string text = "GET " + std::string(before) + c + "z HTTP/1.1\r\n" + std::string(kHost);
            const bool fine = byte > 0x20 && byte < 0x7f && c != '#';
            EXPECT_EQ(request(text)->result.state == ParseState::complete, fine) << byte;
        }
    }
}

TEST(RequestTarget, ComesInTheFormThatTheMethodAllows) {
    const struct {
        std::string_view line;
        Fault fault;
        std::string_view path;
        std::string_view authority;
    } cases[] = {
        {"GET / HTTP/1.1", Fault::none, "/", "shop.test"},
        {"GET //evil.test/x HTTP/1.1", Fault::none, "//evil.test/x", "shop.test"},
        {"OPTIONS * HTTP/1.1", Fault::none, "*", "shop.test"},
        {"GET * HTTP/1.1", Fault::bad_target, "", ""},
        {"OPTIONS ** HTTP/1.1", Fault::bad_target, "", ""},
        {"GET http://shop.test/a?b HTTP/1.1", Fault::none, "/a?b", "shop.test"},
        {"GET HTTP://SHOP.test HTTP/1.1", Fault::none, "/", "SHOP.test"},
        {"GET http://shop.test:80/ HTTP/1.1", Fault::none, "/", "shop.test:80"},
        {"GET http://shop.test:/ HTTP/1.1", Fault::none, "/", "shop.test:"},
        {"OPTIONS http://shop.test HTTP/1.1", Fault::none, "*", "shop.test"},
        {"OPTIONS http://shop.test/ HTTP/1.1", Fault::none, "/", "shop.test"},
        {"GET http://shop.test?b HTTP/1.1", Fault::bad_target, "", ""},
        {"GET http:///a HTTP/1.1", Fault::bad_target, "", ""},
        {"GET http://user@shop.test/ HTTP/1.1", Fault::bad_target, "", ""},
        {"GET http://shop.test:x/ HTTP/1.1", Fault::bad_target, "", ""},
        {"GET http:/shop.test/ HTTP/1.1", Fault::bad_target, "", ""},
        {"GET ftp://shop.test/ HTTP/1.1", Fault::bad_target, "", ""},
        {"GET shop.test:80 HTTP/1.1", Fault::bad_target, "", ""},
        {"GET a/b HTTP/1.1", Fault::bad_target, "", ""},
        {"GET ?a HTTP/1.1", Fault::bad_target, "", ""},
        {"GET /a#b HTTP/1.1", Fault::bad_target, "", ""},
        {"CONNECT shop.test:443 HTTP/1.1", Fault::bad_connect, "", ""},
        {"CONNECT / HTTP/1.1", Fault::bad_connect, "", ""},
    };
    for (const auto& c : cases) {
        const auto parsed = request(std::string(c.line) + "\r\n" + std::string(kHost));
        EXPECT_EQ(parsed->result.fault, c.fault) << c.line;
        if (c.fault != Fault::none) continue;
        EXPECT_EQ(parsed->head.path, c.path) << c.line;
        EXPECT_EQ(parsed->head.authority, c.authority) << c.line;
    }
}

TEST(Host, MustBeOneHostThatAgreesWithTheTarget) {
    const struct {
        std::string_view target;
        std::string_view lines;
        Fault fault;
    } cases[] = {
        {"/", "Host: a\r\n", Fault::none},
        {"/", "hOST:a\r\n", Fault::none},
        {"/", "Host: 10.0.0.1:8080\r\n", Fault::none},
        {"/", "Host: [::1]:80\r\n", Fault::none},
        {"/", "Host: my_name.x-y~z\r\n", Fault::none},
        {"/", "", Fault::missing_host},
        {"/", "Hos: a\r\n", Fault::missing_host},
        {"/", "Host:\r\n", Fault::bad_host},
        {"/", "Host: :80\r\n", Fault::bad_host},
        {"/", "Host: a b\r\n", Fault::bad_host},
        {"/", "Host: a,b\r\n", Fault::bad_host},
        {"/", "Host: a/b\r\n", Fault::bad_host},
        {"/", "Host: u@a\r\n", Fault::bad_host},
        {"/", "Host: a%2eb\r\n", Fault::bad_host},
        {"/", "Host: a:0\r\n", Fault::bad_host},
        {"/", "Host: a:65536\r\n", Fault::bad_host},
        {"/", "Host: a:000080\r\n", Fault::bad_host},
        {"/", "Host: a:80:80\r\n", Fault::bad_host},
        {"/", "Host: a:-1\r\n", Fault::bad_host},
        {"/", "Host: [::1\r\n", Fault::bad_host},
        {"/", "Host: []\r\n", Fault::bad_host},
        {"/", "Host: [::1]x\r\n", Fault::bad_host},
        {"/", "Host: ::1\r\n", Fault::bad_host},
        {"/", "Host: a\xc3\xa4\r\n", Fault::bad_host},
        {"/", "Host: a\r\nHost: a\r\n", Fault::duplicate_host},
        {"/", "Host: a\r\nhost: b\r\n", Fault::duplicate_host},
        {"http://a/", "Host: A\r\n", Fault::none},
        {"http://a/", "Host: a:80\r\n", Fault::none},
        {"http://a:80/", "Host: a\r\n", Fault::none},
        {"https://a/", "Host: a:443\r\n", Fault::none},
        {"HTTPS://a/", "Host: a:443\r\n", Fault::none},
        {"http://[::A]/", "Host: [::a]\r\n", Fault::none},
        {"http://a/", "Host: b\r\n", Fault::host_mismatch},
        {"http://a/", "Host: a:8080\r\n", Fault::host_mismatch},
        {"https://a/", "Host: a:80\r\n", Fault::host_mismatch},
        {"http://a:81/", "Host: a\r\n", Fault::host_mismatch},
        {"http://a/", "", Fault::missing_host},
        {"http://a/", "Host:\r\n", Fault::bad_host},
    };
    for (const auto& c : cases) {
        const std::string text = "GET " + std::string(c.target) + " HTTP/1.1\r\n" + std::string(c.lines) + "\r\n";
        EXPECT_EQ(request_fault(text), c.fault) << printable(text);
    }
}

TEST(Host, MayBeAbsentInHttp10Only) {
    const auto parsed = request("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(parsed->result.state, ParseState::complete);
    EXPECT_EQ(parsed->head.authority, "");
    EXPECT_EQ(parsed->head.minor_version, 0);
    EXPECT_EQ(request("GET http://a:81/b HTTP/1.0\r\n\r\n")->head.authority, "a:81");
    EXPECT_EQ(request_fault("GET / HTTP/1.1\r\n\r\n"), Fault::missing_host);
}

}  // namespace
}  // namespace steelyard::http
