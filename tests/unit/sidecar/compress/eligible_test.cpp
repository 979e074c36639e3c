#include "sidecar/compress/eligible.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sidecar/http/parser.hpp"

namespace steelyard::compress {
namespace {

using http::Method;

struct Case {
    std::string request_fields = "Accept-Encoding: gzip\r\n";
    std::string status = "200 OK";
    std::string fields = "Content-Type: text/html\r\nContent-Length: 5000\r\n";
    bool http10 = false;
    Method method = Method::get;
    config::Compression rules = {};
};

Verdict verdict(const Case& c) {
    static http::RequestHead request;
    static http::ResponseHead response;
    const std::string asked = "GET / HTTP/1.1\r\nHost: web\r\n" + c.request_fields + "\r\n";
    const std::string answer = "HTTP/1.1 " + c.status + "\r\n" + c.fields + "\r\n";
    uint32_t scanned = 0;
    EXPECT_EQ(http::parse_request(asked, scanned, {}, request).state, http::ParseState::complete) << asked;
    scanned = 0;
    EXPECT_EQ(http::parse_response(answer, scanned, {}, c.method, response).state, http::ParseState::complete)
        << answer;
    return judge(c.rules, read_request(request, c.rules.codings), response, c.http10);
}

constexpr char kHtml[] = "Content-Type: text/html; charset=utf-8\r\n";

TEST(Eligible, TextThatIsLongEnoughIsCompressed) {
    EXPECT_EQ(verdict({}), Verdict::compress);
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Transfer-Encoding: chunked\r\n")}), Verdict::compress);
    EXPECT_EQ(verdict({.fields = kHtml}), Verdict::compress) << "until the connection ends";
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Content-Length: 1024\r\n")}), Verdict::compress);
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Content-Length: 1023\r\n")}), Verdict::as_it_is);
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Content-Length: 0\r\n"), .rules = {.min_bytes = 0, .types = {}}}),
              Verdict::as_it_is);
}

TEST(Eligible, HeadIsJudgedAsItsGetWouldBe) {
    EXPECT_EQ(verdict({.method = Method::head}), Verdict::compress);
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Content-Length: 10\r\n"), .method = Method::head}),
              Verdict::as_it_is);
}

TEST(Eligible, WhoTakesNoCodingGetsItAsItIsAndVaryTellsOthers) {
    EXPECT_EQ(verdict({.request_fields = ""}), Verdict::vary);
    EXPECT_EQ(verdict({.request_fields = "", .fields = "Content-Type: image/png\r\n"}), Verdict::as_it_is);
    EXPECT_EQ(verdict({.http10 = true}), Verdict::as_it_is);
}

TEST(Eligible, OnlyWholeAnswersOf200AndItsLike) {
    EXPECT_EQ(verdict({.status = "201 Created"}), Verdict::compress);
    for (const char* status :
         {"204 No Content", "205 Reset Content", "206 Partial Content", "301 Moved", "404 Not Found", "500 Oops"}) {
        EXPECT_EQ(verdict({.status = status}), Verdict::as_it_is) << status;
    }
    EXPECT_EQ(verdict({.status = "304 Not Modified", .fields = "ETag: \"a\"\r\n"}), Verdict::not_modified);
    EXPECT_EQ(verdict({.request_fields = "", .status = "304 Not Modified"}), Verdict::as_it_is);
}

TEST(Eligible, WhatMustNotBeChangedIsNot) {
    for (const char* field : {"Content-Encoding: br", "Content-Encoding: identity", "Content-Range: bytes 0-9/10",
                              "Cache-Control: no-transform", "Cache-Control: public, max-age=5, No-Transform",
                              "Content-MD5: abc", "Repr-Digest: sha-256=:a:", "content-digest: sha-256=:a:"}) {
        EXPECT_EQ(verdict({.fields = kHtml + std::string(field) + "\r\n"}), Verdict::as_it_is) << field;
    }
}

TEST(Eligible, WhatBelongsToSomebodyIsNotCompressed) {
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Set-Cookie: a=b\r\n")}), Verdict::as_it_is);
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Cache-Control: private\r\n")}), Verdict::as_it_is);
    EXPECT_EQ(verdict({.fields = kHtml + std::string("Cache-Control: private=\"x\", public\r\n")}), Verdict::as_it_is);
    for (const char* who : {"Cookie: session=1\r\n", "Authorization: Basic eA==\r\n"}) {
        const std::string asked = std::string("Accept-Encoding: gzip\r\n") + who;
        EXPECT_EQ(verdict({.request_fields = asked}), Verdict::as_it_is);
        EXPECT_EQ(verdict({.request_fields = asked, .fields = kHtml + std::string("Cache-Control: max-age=9\r\n")}),
                  Verdict::as_it_is);
        EXPECT_EQ(verdict({.request_fields = asked, .fields = kHtml + std::string("Cache-Control: public\r\n")}),
                  Verdict::compress);
        EXPECT_EQ(verdict({.request_fields = asked,
                           .fields = kHtml + std::string("Cache-Control: public\r\nSet-Cookie: a=b\r\n")}),
                  Verdict::as_it_is);
    }
}

TEST(Eligible, TypesAreTextByDefaultAndNeverAStreamOfEvents) {
    for (const char* type :
         {"text/html", "TEXT/HTML;charset=utf-8", "application/json", "image/svg+xml", "text/css ; x=y"}) {
        EXPECT_TRUE(is_listed(type, {})) << type;
    }
    for (const char* type : {"", "text", "text/", "text/event-stream", "image/png", "application/octet-stream",
                             "text/htmlx", ";text/html"}) {
        EXPECT_FALSE(is_listed(type, {})) << type;
    }
}

TEST(Eligible, AListTakesThePlaceOfTheDefaultAndATreeHasNoStreamOfEvents) {
    const std::vector<std::string> types{"text/*", "application/x-thing"};
    EXPECT_TRUE(is_listed("text/anything", types));
    EXPECT_TRUE(is_listed("application/X-Thing", types));
    EXPECT_FALSE(is_listed("application/json", types));
    EXPECT_FALSE(is_listed("text/event-stream", types));
    EXPECT_FALSE(is_listed("text/", types));
    EXPECT_TRUE(is_listed("text/event-stream", std::vector<std::string>{"text/event-stream"}));
}

}  // namespace
}  // namespace steelyard::compress
