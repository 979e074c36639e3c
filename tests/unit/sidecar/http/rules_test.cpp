// What a policy changes of heads: fields, Host, path.
#include "sidecar/http/rules.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sidecar/http/rewrite.hpp"
#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

using Kind = config::HeaderEdit::Kind;

std::string sent(std::string_view text, const config::HttpPolicy& policy, size_t room = size_t{32} * 1024) {
    const auto parsed = request(text);
    EXPECT_EQ(parsed->result.state, ParseState::complete) << printable(text);
    const auto rules = make_rules(policy);
    std::vector<char> out(room);
    const ForwardedFor from{.client_address = "10.1.2.3"};
    return {out.data(), write_request_head(parsed->head, from, "default.test", out, rules.get())};
}

std::string answered(std::string_view text, const config::HttpPolicy& policy, bool upgraded = false) {
    const auto parsed = response(text);
    EXPECT_EQ(parsed->result.state, ParseState::complete) << printable(text);
    const auto rules = make_rules(policy);
    std::vector<char> out(4096);
    return {out.data(), write_response_head(parsed->head,
                                            {.upgraded = upgraded, .edits = rules ? &rules->response : nullptr}, out)};
}

std::string path_after(const std::string& prefix, const std::string& replacement, std::string_view path) {
    config::HttpPolicy policy;
    policy.path = {prefix, replacement};
    const auto rules = make_rules(policy);
    const auto [front, rest] = rules->path->apply(path);
    return std::string(front) + std::string(rest);
}

TEST(Rules, OfAPolicyThatChangesNothingAreNone) {
    EXPECT_EQ(make_rules({}), nullptr);
    config::HttpPolicy policy;
    policy.host = "a";
    EXPECT_NE(make_rules(policy), nullptr);
}

TEST(Rules, SetTakesThePlaceOfAllAddStandsBehindThemRemoveTakesAway) {
    config::HttpPolicy policy;
    policy.request_headers = {{Kind::set, "X-Env", "test"},
                              {Kind::add, "Via", "1.1 edge"},
                              {Kind::add, "Via", "1.1 more"},
                              {Kind::remove, "Cookie", ""},
                              {Kind::set, "X-Empty", ""}};
    EXPECT_EQ(sent("GET / HTTP/1.1\r\nHost: a\r\nx-env: 1\r\nVia: 1.0 first\r\nCOOKIE: b\r\nX-ENV: 2\r\nX: y\r\n"
                   "X-Envy: z\r\nCookies: c\r\n\r\n",
                   policy),
              "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 first\r\nX: y\r\nX-Envy: z\r\nCookies: c\r\n"
              "X-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n"
              "X-Env: test\r\nVia: 1.1 edge\r\nVia: 1.1 more\r\nX-Empty: \r\n\r\n");
}

TEST(Rules, EditAnswersButNotInterimOnes) {
    config::HttpPolicy policy;
    policy.response_headers = {{Kind::set, "Strict-Transport-Security", "max-age=31536000"},
                               {Kind::remove, "server", ""}};
    EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nServer: b\r\nContent-Length: 3\r\nStrict-transport-security: none\r\n\r\n",
                       policy),
              "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nStrict-Transport-Security: max-age=31536000\r\n\r\n");
    EXPECT_EQ(answered("HTTP/1.1 103 Early Hints\r\nServer: b\r\n\r\n", policy),
              "HTTP/1.1 103 Early Hints\r\nServer: b\r\n\r\n");
    EXPECT_EQ(
        answered("HTTP/1.1 101 S\r\nServer: b\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", policy, true),
        "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\nStrict-Transport-Security: max-age=31536000\r\n\r\n");
}

TEST(Rules, EditTheProxysOwnErrorsAsWell) {
    config::HttpPolicy policy;
    policy.response_headers = {{Kind::set, "Content-Type", "text/x"}, {Kind::add, "X-A", "b"}};
    const auto rules = make_rules(policy);
    std::vector<char> out(512);
    const std::string text(out.data(), write_error(503, "none", true, false, out, &rules->response));
    EXPECT_EQ(text,
              "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 30\r\nConnection: close\r\n"
              "Content-Type: text/x\r\nX-A: b\r\n\r\n503 Service Unavailable: none\n");
}

TEST(Rules, HostGoesToTheEndpointAndTheClientsIsTold) {
    config::HttpPolicy policy;
    policy.host = "web.internal";
    const std::string tail = "X-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: http\r\n";
    EXPECT_EQ(sent("GET / HTTP/1.1\r\nHost: shop.test:81\r\n\r\n", policy),
              "GET / HTTP/1.1\r\nHost: web.internal\r\n" + tail + "X-Forwarded-Host: shop.test:81\r\n\r\n");
    EXPECT_EQ(sent("GET / HTTP/1.0\r\n\r\n", policy), "GET / HTTP/1.1\r\nHost: web.internal\r\n" + tail + "\r\n");
}

TEST(Rules, PathsAreRewrittenBySegments) {
    const struct {
        const char* prefix;
        const char* replacement;
        const char* path;
        const char* rewritten;
    } cases[] = {
        {"/api", "/", "/api", "/"},
        {"/api", "/", "/api/", "/"},
        {"/api", "/", "/api/x/y", "/x/y"},
        {"/api", "/", "/api?q=/api", "/?q=/api"},
        {"/api", "/", "/api/?q", "/?q"},
        {"/api", "/", "/apix", "/apix"},
        {"/api", "/", "/API/x", "/API/x"},
        {"/api", "/", "/%61pi/x", "/%61pi/x"},
        {"/api", "/", "/", "/"},
        {"/api", "/", "/x/api/y", "/x/api/y"},
        {"/api", "/", "*", "*"},
        {"/api/", "/v2/", "/api", "/v2"},
        {"/api/", "/v2/", "/api/", "/v2/"},
        {"/api", "/v2", "/api/x?y", "/v2/x?y"},
        {"/api", "/v2", "/api?y", "/v2?y"},
        {"/", "/v2", "/", "/v2/"},
        {"/", "/v2", "/x", "/v2/x"},
        {"/", "/v2", "/?q", "/v2/?q"},
        {"/", "/v2", "*", "*"},
        {"/", "/", "/x", "/x"},
        {"/a/b", "/c", "/a/b/d", "/c/d"},
        {"/api", "/", "/api//x", "//x"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(path_after(c.prefix, c.replacement, c.path), c.rewritten)
            << c.prefix << " -> " << c.replacement << ": " << c.path;
    }
}

TEST(Rules, TooSmallAnOutputGivesZeroByAnyAmount) {
    config::HttpPolicy policy;
    policy.host = "web.internal";
    policy.path = {"/a", "/longer"};
    policy.request_headers = {{Kind::add, "X-A", "b"}};
    constexpr std::string_view kText = "GET /a/b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    const std::string whole = sent(kText, policy);
    EXPECT_TRUE(whole.starts_with("GET /longer/b HTTP/1.1\r\nHost: web.internal\r\n")) << whole;
    for (size_t size = 1; size < whole.size(); ++size) EXPECT_EQ(sent(kText, policy, size), "") << size;
    EXPECT_EQ(sent(kText, policy, whole.size()), whole);
}

}  // namespace
}  // namespace steelyard::http
