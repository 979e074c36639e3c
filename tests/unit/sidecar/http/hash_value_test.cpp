// What of a request is hashed: found as it stands, or not at all.
#include "sidecar/http/hash_value.hpp"

#include <gtest/gtest.h>

#include "sidecar/http/parser.hpp"

namespace steelyard::http {
namespace {

using Source = config::HashKey::Source;

// The key's value in a request with this target and these lines.
std::string value_in(Source source, const std::string& name, const std::string& target, const std::string& lines) {
    const std::string text = "GET " + target + " HTTP/1.1\r\nHost: web\r\n" + lines + "\r\n";
    static RequestHead head;
    uint32_t scanned = 0;
    const auto parsed = parse_request(text, scanned, Limits{}, head);
    EXPECT_EQ(parsed.state, ParseState::complete) << text;
    return std::string(hash_value({source, name}, head));
}

TEST(HashValue, OfAHeaderIsItsFirstFieldThatSaysSomething) {
    EXPECT_EQ(value_in(Source::header, "x-user", "/", "X-User:  ann \r\nx-user: bob\r\n"), "ann");
    EXPECT_EQ(value_in(Source::header, "x-user", "/", "X-User:\r\nx-user: bob\r\n"), "bob");
    EXPECT_EQ(value_in(Source::header, "x-user", "/", "X-Users: ann\r\nX-Use: ann\r\n"), "");
}

TEST(HashValue, OfACookieIsFoundInAnyCookieField) {
    EXPECT_EQ(value_in(Source::cookie, "sid", "/", "Cookie: a=b; sid=7\r\n"), "7");
    EXPECT_EQ(value_in(Source::cookie, "sid", "/", "Cookie: a=b\r\nCOOKIE: sid=8\r\n"), "8");
    EXPECT_EQ(value_in(Source::cookie, "sid", "/", "X-Cookie: sid=7\r\n"), "");
    EXPECT_EQ(value_in(Source::cookie, "sid", "/?sid=9", ""), "");
}

TEST(HashValue, OfAParameterIsReadFromTheTargetsQuery) {
    EXPECT_EQ(value_in(Source::query, "user", "/a?user=ann&x=1", ""), "ann");
    EXPECT_EQ(value_in(Source::query, "user", "http://web/a?x=1&user=ann", ""), "ann");
    EXPECT_EQ(value_in(Source::query, "user", "/user=ann", ""), "");
    EXPECT_EQ(value_in(Source::client_ip, "", "/?=a", ""), "");
}

TEST(HashValue, CookiesAreReadStrictlyAsUserAgentsWriteThem) {
    struct Case {
        const char* cookies;
        const char* value;
    };
    const Case cases[] = {
        {"sid=1", "1"},
        {"a=b; sid=1; c=d", "1"},
        {"sid=1; sid=2", "1"},
        {"sid=a=b=", "a=b="},
        {R"(sid="quoted, with comma")", R"("quoted, with comma")"},
        {R"(json={"a":1,"b":[2]}; sid=1)", "1"},
        {"nameless; =x; sid=1", "1"},
        {"; sid=1", "1"},
        {"SID=1", ""},
        {"asid=1; sidb=2; si=3", ""},
        {"sid", ""},
        {"sid=", ""},
        {"sid; a=b", ""},
        {"a=b;sid=1", ""},    // no space
        {"a=b;  sid=1", ""},  // two: the name is " sid"
        {"a=b, sid=1", ""},
        {"a=b;\tsid=1", ""},
        {"a=b;sid=1; sid=2", ""},
        {"", ""},
        {";", ""},
        {"; ", ""},
    };
    for (const auto& [cookies, value] : cases) EXPECT_EQ(cookie_value(cookies, "sid"), value) << cookies;
}

TEST(HashValue, ParametersAreRawBytesUpToTheNextAmpersand) {
    struct Case {
        const char* path;
        const char* value;
    };
    const Case cases[] = {
        {"/?id=1", "1"},
        {"/?a=1&id=2&id=3", "2"},
        {"/?id=a=b?c/d;e", "a=b?c/d;e"},
        {"/?id=%41+b", "%41+b"},
        {"/?&&id=1&", "1"},
        {"/a?x?id=1&id=2", "2"},
        {"/?%69d=1", ""},
        {"/?ID=1&aid=2&idb=3&i=4", ""},
        {"/?id", ""},
        {"/?id&a=b", ""},
        {"/?id=", ""},
        {"/?", ""},
        {"/id=1", ""},
        {"", ""},
    };
    for (const auto& [path, value] : cases) EXPECT_EQ(query_value(path, "id"), value) << path;
}

}  // namespace
}  // namespace steelyard::http
