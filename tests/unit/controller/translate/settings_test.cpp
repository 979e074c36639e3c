// The small readers: durations, addresses, health checks.
#include <gtest/gtest.h>

#include "controller/translate/address.hpp"
#include "controller/translate/duration.hpp"
#include "controller/translate/health_check.hpp"

namespace steelyard::translate {
namespace {

constexpr uint32_t kAny = UINT32_MAX;

TEST(Duration, ReadsWhatGoReads) {
    const std::pair<const char*, uint32_t> table[] = {{"500ms", 500},       {"5s", 5000},   {"1m30s", 90'000},
                                                      {"1.5h", 5'400'000},  {"0", 0},       {"0s", 0},
                                                      {"1h1ms", 3'600'001}, {"0.25s", 250}, {"2m0.5s", 120'500}};
    for (const auto& [text, milliseconds] : table) {
        const auto parsed = parse_duration(text, 0, kAny);
        ASSERT_TRUE(parsed) << text << ": " << parsed.error().problem;
        EXPECT_EQ(*parsed, milliseconds) << text;
    }
}

TEST(Duration, RefusesWhatIsNone) {
    for (const char* text : {"", "5", "s", "5 s", "-5s", "+5s", "5d", "5sec", "1..5s", "1.s", ".5s", "0.5ms", "5ss",
                             "1e3s", "99999999999999999999h", "ten seconds"}) {
        EXPECT_FALSE(parse_duration(text, 0, kAny)) << text;
    }
}

TEST(Duration, NamesTheBoundsThatItBreaks) {
    EXPECT_EQ(parse_duration("50ms", 100, 3'600'000).error().problem, "'50ms' is not between 100ms and 1h");
    EXPECT_EQ(parse_duration("25h", 0, 86'400'000).error().problem, "'25h' is not between 0s and 24h");
    EXPECT_EQ(parse_duration("5", 0, kAny).error().problem, "'5' is not a duration (such as 500ms, 5s or 1m30s)");
}

TEST(Duration, IsShownAsItIsWritten) {
    EXPECT_EQ(format_duration(90'500), "1m30s500ms");
    EXPECT_EQ(format_duration(0), "0s");
}

std::string reason(const char* text, Family family, bool allow_loopback = false) {
    const auto address = backend_address(text, family, allow_loopback);
    return address ? *address : address.error().where;
}

TEST(Address, IsMadeCanonical) {
    EXPECT_EQ(reason("10.244.1.7", Family::ipv4), "10.244.1.7");
    EXPECT_EQ(reason("2001:DB8:0:0::7", Family::ipv6), "2001:db8::7");
}

TEST(Address, OfTheWrongFamilyOrShapeIsInvalid) {
    for (const char* text : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "web", "fd00::1", "10.0.0.1:80"}) {
        EXPECT_EQ(reason(text, Family::ipv4), "InvalidAddress") << text;
    }
    for (const char* text : {"10.0.0.1", "fd00::1%eth0", "[fd00::1]", "::g"}) {
        EXPECT_EQ(reason(text, Family::ipv6), "InvalidAddress") << text;
    }
}

TEST(Address, ThatMeansSomethingElseOnEachNodeIsForbiddenUnlessManifestsAskForIt) {
    for (const char* text : {"127.0.0.1", "127.8.9.10", "169.254.1.1"}) {
        EXPECT_EQ(reason(text, Family::ipv4), "ForbiddenAddress") << text;
        EXPECT_EQ(reason(text, Family::ipv4, true), text);
    }
    for (const char* text : {"::1", "fe80::1", "::ffff:127.0.0.1"}) {
        EXPECT_EQ(reason(text, Family::ipv6), "ForbiddenAddress") << text;
        EXPECT_EQ(reason(text, Family::ipv6, true), text);
    }
}

TEST(Address, ThatNoHostHasIsForbiddenAlways) {
    for (const char* text : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255"}) {
        EXPECT_EQ(reason(text, Family::ipv4, true), "ForbiddenAddress") << text;
    }
    for (const char* text : {"::", "ff02::1"}) EXPECT_EQ(reason(text, Family::ipv6, true), "ForbiddenAddress") << text;
}

std::string problems_of(const char* json) {
    config::Problems problems;
    const auto check = parse_health_check(json, problems);
    EXPECT_EQ(check.has_value(), problems.empty());
    std::string text;
    for (const Error& error : problems.errors()) text += (text.empty() ? "" : " | ") + error.to_string();
    return text;
}

TEST(HealthCheck, TakesEverySetting) {
    config::Problems problems;
    const auto check = parse_health_check(
        R"({"type": "http", "interval": "500ms", "timeout": "300ms", "rise": 1, "fall": 2, "jitter": 0,
        "path": "/healthz?full=1", "host": "shop.example", "expected": ["200-399", 404, "418"]})",
        problems);
    ASSERT_TRUE(check);
    config::HealthCheck want;
    want.type = config::HealthCheck::Type::http;
    want.interval_ms = 500;
    want.timeout_ms = 300;
    want.rise = 1;
    want.fall = 2;
    want.jitter_percent = 0;
    want.path = "/healthz?full=1";
    want.host = "shop.example";
    want.expected = {{200, 399}, {404, 404}, {418, 418}};
    EXPECT_EQ(*check, want);
}

TEST(HealthCheck, LeavesDefaultsWhereNothingIsSaid) {
    config::Problems problems;
    EXPECT_EQ(parse_health_check(R"({"type": "tcp"})", problems), config::HealthCheck{});
}

TEST(HealthCheck, NamesWhatIsWrong) {
    const std::pair<const char*, const char*> table[] = {
        {"", "'' is not a JSON object"},
        {"[]", "'[]' is not a JSON object"},
        {"{", "'{' is not a JSON object"},
        {"{}", "type: is missing (tcp or http)"},
        {R"({"type": "grpc"})", "type: \"grpc\" is not a type of check (tcp or http)"},
        {R"({"type": 5})", "type: 5 is not a type of check (tcp or http)"},
        {R"({"type": "tcp", "path": "/"})", "path: belongs to a check of type http"},
        {R"({"type": "tcp", "interval": 5})", "interval: must be a text with a unit, such as \"500ms\""},
        {R"({"type": "tcp", "interval": "5ms"})", "interval: '5ms' is not between 100ms and 1h"},
        {R"({"type": "tcp", "rise": 0})", "rise: 0 is not a whole number from 1 to 100"},
        {R"({"type": "tcp", "fall": -1})", "fall: -1 is not a whole number from 1 to 100"},
        {R"({"type": "tcp", "fall": 1e9})", "fall: 1000000000.0 is not a whole number from 1 to 100"},
        {R"({"type": "tcp", "jitter": 51})", "jitter: 51 is not a whole number from 0 to 50"},
        {R"({"type": "http", "path": "healthz"})",
         "path: 'healthz' is not a path that begins with / (visible ASCII, no spaces, at most 1024 long)"},
        {R"({"type": "http", "host": "a\r\nb"})",
         "host: 'a??b' is not a host name (visible ASCII, no spaces, at most 253 long)"},
        {R"({"type": "http", "expected": []})",
         "expected: must be a list of 1 to 16 status codes (404) or ranges (\"200-399\")"},
        {R"({"type": "http", "expected": [200, "399-200"]})",
         "expected[1]: \"399-200\" is not a status code (404) or range (\"200-399\") within 100-599"},
        {R"({"type": "http", "expected": [99, "600", "2xx", true]})",
         "expected[0]: 99 is not a status code (404) or range (\"200-399\") within 100-599 | "
         "expected[1]: \"600\" is not a status code (404) or range (\"200-399\") within 100-599 | "
         "expected[2]: \"2xx\" is not a status code (404) or range (\"200-399\") within 100-599 | "
         "expected[3]: true is not a status code (404) or range (\"200-399\") within 100-599"},
    };
    for (const auto& [json, want] : table) EXPECT_EQ(problems_of(json), want) << json;
}

TEST(HealthCheck, RefusesAMisspeltSetting) {
    EXPECT_EQ(problems_of(R"({"type": "tcp", "intervall": "1s"})"),
              "'intervall' is not a setting of a health check (type, interval, timeout, rise, fall, jitter, path, "
              "host, expected)");
}

TEST(HealthCheck, SurvivesNestingAndSize) {
    EXPECT_NE(problems_of((std::string(8000, '[') + std::string(8000, ']')).c_str()), "");
    EXPECT_NE(problems_of((R"({"type":")" + std::string(20'000, 'x') + "\"}").c_str()), "");
}

}  // namespace
}  // namespace steelyard::translate
