// Answers of the proxy's own: where a redirect leads, whatever the request says.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "sidecar/http/rewrite.hpp"
#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

std::string answered(std::string_view text, const config::Redirect& to, const LocalAnswer& answer = {.status = 301},
                     size_t room = 4096) {
    const auto parsed = request(text);
    EXPECT_EQ(parsed->result.state, ParseState::complete) << printable(text);
    std::vector<char> out(room);
    return {out.data(), write_redirect(to, parsed->head, "http", answer, out)};
}

config::Redirect to(std::string scheme, std::string host = {}, uint16_t port = 0) {
    return {std::move(scheme), std::move(host), port, 301};
}

std::string location(const config::Redirect& where, std::string_view target = "/a?b",
                     std::string_view host = "shop.test") {
    const std::string text =
        answered("GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", where);
    const size_t at = text.find("Location: ") + 10;
    return text.substr(at, text.find("\r\n", at) - at);
}

TEST(Redirect, IsAWholeAnswerWithoutContent) {
    constexpr std::string_view kRequest = "GET /a HTTP/1.1\r\nHost: b\r\n\r\n";
    const config::Redirect https{.scheme = "https", .host = "", .port = 0, .status = 308};
    const std::string start = "HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\nLocation: https://b/a\r\n";
    EXPECT_EQ(answered(kRequest, https, {.status = 308}), start + "\r\n");
    EXPECT_EQ(answered(kRequest, https, {.status = 308, .close = true}), start + "Connection: close\r\n\r\n");
    EXPECT_EQ(answered(kRequest, https, {.status = 308, .client_minor_version = 0}),
              start + "Connection: keep-alive\r\n\r\n");
    Edits edits;
    edits.set("Strict-Transport-Security", "max-age=1");
    EXPECT_EQ(answered(kRequest, https, {.status = 308, .edits = &edits}),
              start + "Strict-Transport-Security: max-age=1\r\n\r\n");
}

TEST(Redirect, NamesWhatThePolicySaysAndTheRequestsOwnElse) {
    EXPECT_EQ(location({}), "http://shop.test/a?b");
    EXPECT_EQ(location({}, "/", "shop.test:8080"), "http://shop.test:8080/");
    EXPECT_EQ(location(to("https"), "/", "shop.test:8080"), "https://shop.test/");
    EXPECT_EQ(location(to("https"), "/", "[fd00::1]:80"), "https://[fd00::1]/");
    EXPECT_EQ(location(to("https", "", 8443), "/", "[fd00::1]"), "https://[fd00::1]:8443/");
    EXPECT_EQ(location(to("", "", 81), "/", "shop.test:8080"), "http://shop.test:81/");
    EXPECT_EQ(location(to("", "www.test"), "/", "shop.test:8080"), "http://www.test/");
    EXPECT_EQ(location(to("https", "www.test", 444)), "https://www.test:444/a?b");
    EXPECT_EQ(location(to("", "www.test"), "http://shop.test/x"), "http://www.test/x");
}

TEST(Redirect, LeadsNowhereElseWhateverThePathIs) {
    EXPECT_EQ(location({}, "//evil.test/x"), "http://shop.test//evil.test/x");
    EXPECT_EQ(location({}, "/\\evil.test"), "http://shop.test/%5Cevil.test");
    EXPECT_EQ(location({}, "/<script>?\"`{|}^"), "http://shop.test/%3Cscript%3E?%22%60%7B%7C%7D%5E");
    EXPECT_EQ(location({}, "/%0d%0aSet-Cookie:x"), "http://shop.test/%0d%0aSet-Cookie:x");
    EXPECT_EQ(location({}, "/@evil.test"), "http://shop.test/@evil.test");
    EXPECT_NE(answered("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", {}).find("Location: http://a/\r\n"), std::string::npos);
}

TEST(Redirect, TooSmallAnOutputGivesZeroByAnyAmount) {
    constexpr std::string_view kRequest = "GET /a<b HTTP/1.1\r\nHost: b\r\n\r\n";
    const size_t whole = answered(kRequest, {}).size();
    for (size_t size = 1; size < whole; ++size) EXPECT_EQ(answered(kRequest, {}, {.status = 301}, size), "") << size;
}

TEST(LocalAnswer, OfNoContentSaysSo) {
    std::vector<char> out(512);
    const std::string text(out.data(), write_empty({.status = 200}, out));
    EXPECT_EQ(text, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(LocalAnswer, OfARefusedMethodListsWhatGoesOn) {
    std::vector<char> out(512);
    const std::string text(out.data(), write_error(405, std::string(200, 'x'), true, false, out));
    EXPECT_NE(text.find("\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"), std::string::npos);
}

}  // namespace
}  // namespace steelyard::http
