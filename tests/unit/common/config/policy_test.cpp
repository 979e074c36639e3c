#include "common/config/policy.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/config/codec.hpp"

namespace steelyard::config {
namespace {

using nlohmann::json;

Policy full() {
    Policy policy;
    policy.slow_start = SlowStart{20'000, 5};
    policy.locality = {Locality::Mode::same_zone, 16, 50};
    policy.proxy_protocol = ProxyProtocol::v2;
    policy.timeouts = {500, 20'000, 30'000, 600'000, 5'000};
    policy.http.host = "web.internal:8080";
    policy.http.path = PathRewrite{"/api", "/v2"};
    policy.http.redirect = Redirect{"https", "shop.example", 8443, 308};
    policy.http.request_headers = {{HeaderEdit::Kind::set, "X-Env", "a b"}, {HeaderEdit::Kind::remove, "x-debug", ""}};
    policy.http.response_headers = {{HeaderEdit::Kind::add, "Strict-Transport-Security", "max-age=31536000"}};
    policy.http.compression = Compression{{Coding::brotli, Coding::gzip}, 256, {"text/html", "text/*"}};
    policy.http.cache = Cache{1 << 20, 1 << 12};
    return policy;
}

std::string encoded(const Policy& policy) {
    std::string out;
    append_json(out, Upstream{"a/b:c", Protocol::http, policy});
    return out;
}

// "" when it is taken.
std::string problem_of(const std::string& policy) {
    Problems problems;
    const Path path;
    decode_resource(json::parse(R"({"kind":"upstream","name":"a/b:c","policy":)" + policy + "}"), path, problems);
    return problems.empty() ? "" : problems.first().to_string();
}

TEST(ConfigPolicy, EveryFieldComesBackAsItWas) {
    Problems problems;
    const auto resource = decode_resource(json::parse(encoded(full())), Path{}, problems);
    ASSERT_TRUE(resource) << problems.first().to_string();
    EXPECT_EQ(std::get<Upstream>(*resource).policy, full());
}

TEST(ConfigPolicy, WhatHasItsDefaultIsNotSent) {
    EXPECT_EQ(json::parse(encoded(Policy{}))["policy"],
              json::parse(R"({"algorithm":"weighted-round-robin","drain_timeout_ms":30000})"));
}

TEST(ConfigPolicy, NullMeansAbsent) {
    EXPECT_EQ(problem_of(R"({"slow_start":null,"http":{"redirect":null,"cache":null}})"), "");
}

struct Wrong {
    const char* policy;
    const char* problem;
};

class ConfigPolicyRefuses : public ::testing::TestWithParam<Wrong> {};

TEST_P(ConfigPolicyRefuses, AndNamesTheFieldAndTheFault) {
    EXPECT_EQ(problem_of(GetParam().policy), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    , ConfigPolicyRefuses,
    ::testing::Values(
        Wrong{R"({"slow_start":{"window_ms":0}})",
              "policy.slow_start.window_ms: 0 is not a slow start in milliseconds (1-3600000)"},
        Wrong{R"({"slow_start":{"min_percent":101}})",
              "policy.slow_start.min_percent: 101 is not a percentage (1-100)"},
        Wrong{R"({"slow_start":5})", "policy.slow_start: is a number, not an object"},
        Wrong{R"({"locality":{"mode":"near"}})",
              "policy.locality.mode: 'near' is not one of none, prefer-same-zone, prefer-same-node"},
        Wrong{R"({"proxy_protocol":"v3"})", "policy.proxy_protocol: 'v3' is not one of none, v1, v2"},
        Wrong{R"({"timeouts":{"connect_ms":5}})",
              "policy.timeouts.connect_ms: 5 is not a time-out in milliseconds (10-86400000)"},
        Wrong{R"({"http":{"host":"a b"}})", "policy.http.host: 'a b' is not a host with or without a port"},
        Wrong{R"({"http":{"path":{"prefix":"api"}}})",
              "policy.http.path.prefix: 'api' is not a path (it begins with /, visible ASCII, no ? or #)"},
        Wrong{R"({"http":{"redirect":{"scheme":"ftp"}}})",
              "policy.http.redirect.scheme: 'ftp' is neither http nor https"},
        Wrong{R"({"http":{"redirect":{"scheme":"https","status":304}}})",
              "policy.http.redirect.status: 304 is not a redirection (301, 302, 303, 307, 308)"},
        Wrong{R"({"http":{"redirect":{}}})",
              "policy.http.redirect: names no scheme, host or port: it would lead back to where it came from"},
        Wrong{R"({"http":{"request_headers":[{"kind":"put","name":"a","value":"b"}]}})",
              "policy.http.request_headers[0].kind: 'put' is not one of set, add, remove"},
        Wrong{R"({"http":{"request_headers":[{"kind":"set","name":"a"}]}})",
              "policy.http.request_headers[0].value: is missing"},
        Wrong{R"({"http":{"response_headers":[{"kind":"set","name":"a:","value":"b"}]}})",
              "policy.http.response_headers[0].name: 'a:' is not the name of a header field"},
        Wrong{R"({"http":{"response_headers":[{"kind":"set","name":"Content-Length","value":"1"}]}})",
              "policy.http.response_headers[0].name: 'Content-Length' is the proxy's own to write"},
        Wrong{
            R"({"http":{"response_headers":[{"kind":"set","name":"a","value":"b\r\nc: d"}]}})",
            "policy.http.response_headers[0].value: 'b??c: d' is not a header field's value (printable ASCII, at most "
            "1024 bytes, no blanks around it)"},
        Wrong{R"({"http":{"request_headers":[{"kind":"set","name":"Host","value":"b"}]}})",
              "policy.http.request_headers[0].name: 'Host' is the proxy's own to write"},
        Wrong{R"({"http":{"request_headers":[{"kind":"remove","name":"Proxy-Anything","value":""}]}})",
              "policy.http.request_headers[0].name: 'Proxy-Anything' is the proxy's own to write"},
        Wrong{R"({"http":{"request_headers":[{"kind":"add","name":"X_Forwarded_For","value":"b"}]}})",
              "policy.http.request_headers[0].name: 'X_Forwarded_For' is the proxy's own to write"},
        Wrong{
            R"({"http":{"request_headers":[{"kind":"set","name":"X-A","value":"b"},{"kind":"add","name":"x-a","value":"c"}]}})",
            "policy.http.request_headers[1].name: 'x-a' is named twice; only add may be"},
        Wrong{R"({"http":{"compression":{"codings":["lzma"]}}})",
              "policy.http.compression.codings[0]: 'lzma' is not one of gzip, br, zstd"},
        Wrong{R"({"http":{"compression":{"codings":["gzip","gzip"]}}})",
              "policy.http.compression.codings: names a coding twice"},
        Wrong{R"({"http":{"compression":{"types":["Text/HTML"]}}})",
              "policy.http.compression.types[0]: 'Text/HTML' is not a media type in lower case"},
        Wrong{R"({"http":{"cache":{"max_bytes":65536,"max_object_bytes":65537}}})",
              "policy.http.cache.max_object_bytes: is more than max_bytes"}));

std::string problem_of_edits(size_t bytes_of_each) {
    std::string edits;
    for (const char* name : {"A", "B", "C", "D"}) {
        edits += std::string(edits.empty() ? "" : ",") + R"({"kind":"add","name":")" + name + R"(","value":")" +
                 std::string(bytes_of_each, 'x') + "\"}";
    }
    return problem_of(R"({"http":{"response_headers":[)" + edits + "]}}");
}

TEST(ConfigPolicy, BoundsWhatEditsAddToAHead) {
    EXPECT_EQ(problem_of_edits(1019), "");
    EXPECT_EQ(problem_of_edits(1020),
              "policy.http.response_headers: makes a head longer by 4100 bytes; at most 4096 are allowed");
}

TEST(ConfigPolicy, AnswersMayHaveFieldsThatRequestsMayNot) {
    EXPECT_EQ(problem_of(R"({"http":{"response_headers":[{"kind":"remove","name":"X-Request-Id","value":""}]}})"), "");
    EXPECT_EQ(
        problem_of(
            R"({"http":{"request_headers":[{"kind":"add","name":"Via","value":"a"},{"kind":"add","name":"via","value":"b"}]}})"),
        "");
}

}  // namespace
}  // namespace steelyard::config
