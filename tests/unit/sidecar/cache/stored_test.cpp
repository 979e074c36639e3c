#include "sidecar/cache/stored.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sidecar/cache/messages.hpp"

namespace steelyard::cache {
namespace {

bool kept(const std::string& fields, const std::string& request_fields = {}, const std::string& status = "200 OK",
          const std::string& framing = "Content-Length: 4\r\n") {
    const Answer answer(fields, status, framing);
    return Stored::may_keep(asked("GET /", request_fields), answer.head, kNow);
}

TEST(MayKeep, WhatSaysHowLongItIsFresh) {
    EXPECT_TRUE(kept("Cache-Control: max-age=5\r\n"));
    EXPECT_TRUE(kept("Cache-Control: s-maxage=5, max-age=0\r\n"));
    EXPECT_TRUE(kept("Expires: Fri, 15 Jan 2027 09:00:00 GMT\r\n"));
    EXPECT_TRUE(kept("cache-control: MAX-AGE=\"5\"\r\n"));
    EXPECT_TRUE(kept("Cache-Control: max-age=5\r\n", {}, "404 Not Found"));
    EXPECT_TRUE(kept("Cache-Control: max-age=5\r\n", {}, "200 OK", "Transfer-Encoding: chunked\r\n"));
    EXPECT_FALSE(kept(""));
    EXPECT_FALSE(kept("ETag: \"a\"\r\nLast-Modified: Fri, 15 Jan 2027 07:00:00 GMT\r\n")) << "no heuristics";
    EXPECT_FALSE(kept("Expires: Fri, 15 Jan 2027 07:00:00 GMT\r\n"));
    EXPECT_FALSE(kept("Cache-Control: max-age=0\r\n")) << "of no use to anybody";
    EXPECT_FALSE(kept("Cache-Control: max-age=x\r\n"));
}

TEST(MayKeep, WhatIsStaleAtOnceIfItCanBeValidated) {
    EXPECT_TRUE(kept("Cache-Control: no-cache\r\nETag: \"a\"\r\n"));
    EXPECT_TRUE(kept("Cache-Control: max-age=0\r\nETag: \"a\"\r\n"));
    EXPECT_TRUE(kept("Expires: 0\r\nLast-Modified: Fri, 15 Jan 2027 07:00:00 GMT\r\n"));
    EXPECT_FALSE(kept("Cache-Control: no-cache\r\n"));
    EXPECT_FALSE(kept("Cache-Control: no-cache, max-age=5\r\n"));
}

TEST(MayKeep, NotWhatBelongsToSomebody) {
    const std::string fresh = "Cache-Control: max-age=5\r\n";
    EXPECT_FALSE(kept(fresh + "Cache-Control: private\r\n"));
    EXPECT_FALSE(kept("Cache-Control: max-age=5, private=\"x\"\r\n"));
    EXPECT_FALSE(kept("Cache-Control: max-age=5, no-store\r\n"));
    EXPECT_FALSE(kept(fresh + "Set-Cookie: a=b\r\n"));
    EXPECT_FALSE(kept(fresh, "Cache-Control: no-store\r\n"));
    EXPECT_FALSE(kept(fresh + "Vary: Accept, *\r\n"));
    const std::string who = "Authorization: Basic eA==\r\n";
    EXPECT_FALSE(kept(fresh, who));
    EXPECT_TRUE(kept("Cache-Control: max-age=5, public\r\n", who));
    EXPECT_TRUE(kept("Cache-Control: s-maxage=5\r\n", who));
    EXPECT_TRUE(kept("Cache-Control: max-age=5, must-revalidate\r\n", who));
}

TEST(MayKeep, OnlyWholeAnswersToPlainGets) {
    const std::string fresh = "Cache-Control: max-age=5\r\n";
    EXPECT_FALSE(kept(fresh, {}, "200 OK", "")) << "nobody knows whether it is whole";
    EXPECT_FALSE(kept(fresh + "Content-Range: bytes 0-3/9\r\n", {}, "206 Partial Content"));
    EXPECT_FALSE(kept(fresh, "Range: bytes=0-1\r\n"));
    EXPECT_FALSE(kept(fresh, "If-Match: \"a\"\r\n"));
    const Answer answer(fresh);
    EXPECT_FALSE(Stored::may_keep(asked("HEAD /"), answer.head, kNow));
    EXPECT_FALSE(Stored::may_keep(asked("POST /"), answer.head, kNow));
    EXPECT_FALSE(
        Stored::may_keep(asked("GET /", "Content-Length: 0\r\nTransfer-Encoding-X: 1\r\n"), answer.head, kNow));
}

TEST(MayKeep, MustUnderstandTakesThePlaceOfNoStore) {
    EXPECT_TRUE(kept("Cache-Control: max-age=5, no-store, must-understand\r\n"));
    EXPECT_FALSE(kept("Cache-Control: max-age=5, must-understand\r\n", {}, "299 Odd"));
    EXPECT_TRUE(kept("Cache-Control: max-age=5\r\n", {}, "299 Odd"));
}

constexpr int64_t kUnknown = 0x80000000;

struct Freshness {
    const char* fields;
    int64_t lifetime, age;
};

TEST(Stored, FreshnessIsWhatTheFieldsSay) {
    for (const Freshness& c :
         {Freshness{"Cache-Control: max-age=60\r\n", 60, 0},
          {"Cache-Control: max-age=60, s-maxage=10\r\n", 10, 0},
          {"Cache-Control: max-age=60, max-age=90\r\n", 60, 0},
          {"Cache-Control: max-age=60\r\nExpires: 0\r\n", 60, 0},
          {"Cache-Control: max-age=60\r\nAge: 20\r\n", 60, 20},
          {"Cache-Control: max-age=60\r\nAge: 20, 30\r\n", 60, kUnknown},
          {"Cache-Control: max-age=60\r\nAge: x\r\n", 60, kUnknown},
          {"Cache-Control: max-age=60\r\nAge: 0\r\nAge: 0\r\n", 60, kUnknown},
          {"Cache-Control: max-age=60\r\nDate: Fri, 15 Jan 2027 07:59:00 GMT\r\n", 60, 60},
          {"Cache-Control: max-age=60\r\nDate: Fri, 15 Jan 2027 08:01:00 GMT\r\n", 60, 0},
          {"Expires: Fri, 15 Jan 2027 08:01:00 GMT\r\n", 60, 0},
          {"Expires: Fri, 15 Jan 2027 08:01:00 GMT\r\nDate: Fri, 15 Jan 2027 07:59:00 GMT\r\n", 120, 60},
          {"Expires: 0\r\nETag: \"a\"\r\n", 0, 0}}) {
        const auto one = stored(asked("GET /"), c.fields);
        EXPECT_EQ(one->lifetime(), c.lifetime) << c.fields;
        EXPECT_EQ(one->age(kNow), c.age) << c.fields;
        EXPECT_EQ(one->age(kNow + 7), c.age + 7) << c.fields;
    }
    EXPECT_EQ(stored(asked("GET /"), "Cache-Control: max-age=9\r\nAge: 1\r\n", "body", {kNow - 3, kNow})->age(kNow), 4)
        << "the way here counts";
}

TEST(Stored, TheRequestMayWantItFresher) {
    const auto one = stored(asked("GET /"), "Cache-Control: max-age=60\r\n");
    EXPECT_TRUE(one->satisfies({}, kNow + 59));
    EXPECT_FALSE(one->satisfies({}, kNow + 60));
    EXPECT_FALSE(one->satisfies(asked("GET /", "Cache-Control: no-cache\r\n").directives(), kNow));
    EXPECT_FALSE(one->satisfies(asked("GET /", "Pragma: no-cache\r\n").directives(), kNow));
    EXPECT_TRUE(one->satisfies(asked("GET /", "Pragma: no-cache\r\nCache-Control: max-age=9\r\n").directives(), kNow));
    EXPECT_TRUE(one->satisfies(asked("GET /", "Cache-Control: max-age=9\r\n").directives(), kNow + 9));
    EXPECT_FALSE(one->satisfies(asked("GET /", "Cache-Control: max-age=9\r\n").directives(), kNow + 10));
    EXPECT_FALSE(one->satisfies(asked("GET /", "Cache-Control: min-fresh=20\r\n").directives(), kNow + 45));
    EXPECT_FALSE(stored(asked("GET /"), "Cache-Control: max-age=60, no-cache\r\nETag: \"a\"\r\n")->satisfies({}, kNow));
}

TEST(Stored, VaryTellsToWhomItIsAnAnswer) {
    const std::string vary = "Cache-Control: max-age=60\r\nVary: Accept, x-kind\r\nVary: Accept-Language\r\n";
    const auto one = stored(asked("GET /", "Accept: text/html\r\nX-Kind: 1\r\n"), vary);
    EXPECT_TRUE(one->matches(asked("GET /", "x-kind: 1\r\naccept: text/html\r\nCookie: a\r\n")));
    EXPECT_FALSE(one->matches(asked("GET /", "X-Kind: 1\r\n")));
    EXPECT_FALSE(one->matches(asked("GET /", "X-Kind: 1\r\nAccept: text/html\r\nAccept: text/plain\r\n")));
    EXPECT_FALSE(one->matches(asked("GET /", "X-Kind: 1\r\nAccept: text/html\r\nAccept-Language: de\r\n")));
    EXPECT_TRUE(
        stored(asked("GET /", "Accept: a, b\r\n"), vary)->matches(asked("GET /", "Accept: a\r\nAccept: b\r\n")));
}

TEST(Stored, PreconditionsAreAnsweredByWhatIsKept) {
    const auto one =
        stored(asked("GET /"),
               "Cache-Control: max-age=60\r\nETag: \"v1\"\r\nLast-Modified: Fri, 15 Jan 2027 07:00:00 GMT\r\n");
    const auto answered = [&](const std::string& fields) { return one->not_modified_for(asked("GET /", fields)); };
    EXPECT_TRUE(answered("If-None-Match: \"v1\"\r\n"));
    EXPECT_TRUE(answered("If-None-Match: \"v0\", W/\"v1\"\r\n"));
    EXPECT_TRUE(answered("If-None-Match: *\r\n"));
    EXPECT_FALSE(answered("If-None-Match: \"v2\"\r\n"));
    EXPECT_FALSE(answered("If-None-Match: \"v2\"\r\nIf-Modified-Since: Fri, 15 Jan 2027 07:00:00 GMT\r\n"))
        << "If-None-Match comes first";
    EXPECT_TRUE(answered("If-Modified-Since: Fri, 15 Jan 2027 07:00:00 GMT\r\n"));
    EXPECT_FALSE(answered("If-Modified-Since: Fri, 15 Jan 2027 06:59:59 GMT\r\n"));
    EXPECT_FALSE(answered("If-Modified-Since: yesterday\r\n"));
    EXPECT_FALSE(answered(""));
}

TEST(Stored, WhatIsSentHasTheWholeBodysLength) {
    const Answer answer("Cache-Control: max-age=60\r\nX-A: 1\r\nETag: \"v1\"\r\n", "200 Fine",
                        "Transfer-Encoding: chunked\r\n");
    std::vector<http::Header> fields;
    for (const http::Header& field : answer.head.headers) {
        if (field.id != http::HeaderId::transfer_encoding) fields.push_back(field);
    }
    const Stored one(asked("GET /"), answer.head, fields, {kNow, kNow},
                     std::make_shared<const std::string>("twelve bytes"));
    http::ResponseHead head;
    one.fill(head);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.reason, "Fine");
    EXPECT_EQ(value(head, "Content-Length"), "12");
    EXPECT_EQ(value(head, "X-A"), "1");
    EXPECT_EQ(head.content_length, 12U);
    one.fill_not_modified(head);
    EXPECT_EQ(head.status, 304);
    EXPECT_EQ(value(head, "X-A") + value(head, "Content-Length"), "");
    EXPECT_EQ(value(head, "ETag"), "\"v1\"");
}

TEST(Stored, A304SaysItAnew) {
    const auto old = stored(asked("GET /", "A: 1\r\n"),
                            "Cache-Control: max-age=60\r\nETag: \"v1\"\r\nX-A: old\r\nX-B: b\r\nVary: A\r\n");
    const Answer again(
        "Cache-Control: max-age=5\r\nETag: \"v1\"\r\nX-A: new\r\nX-A: er\r\nContent-Length: 99\r\nContent-Type: "
        "text/new\r\n",
        "304 Not Modified", "");
    const Stored one(*old, again.fields(), {kNow + 100, kNow + 100});
    http::ResponseHead head;
    one.fill(head);
    EXPECT_EQ(one.lifetime(), 5);
    EXPECT_EQ(one.age(kNow + 101), 1);
    EXPECT_EQ(value(head, "X-A"), "new + er");
    EXPECT_EQ(value(head, "X-B"), "b");
    EXPECT_EQ(value(head, "Content-Length"), "4");
    EXPECT_EQ(value(head, "Content-Type"), "text/new");
    EXPECT_EQ(value(head, "ETag"), "\"v1\"");
    EXPECT_EQ(&one.body(), &old->body()) << "the body is not copied";
    EXPECT_TRUE(one.same_variant(*old));
}

TEST(Stored, ItStandsInForAnErrorOnlyWhenItSaysSo) {
    EXPECT_FALSE(stored(asked("GET /"), "Cache-Control: max-age=60\r\n")->usable_on_error(kNow + 61));
    EXPECT_TRUE(stored(asked("GET /"), "Cache-Control: max-age=60, stale-if-error=30\r\n")->usable_on_error(kNow + 90));
    EXPECT_FALSE(
        stored(asked("GET /"), "Cache-Control: max-age=60, stale-if-error=30\r\n")->usable_on_error(kNow + 91));
    EXPECT_FALSE(stored(asked("GET /"), "Cache-Control: max-age=60, stale-if-error=30, must-revalidate\r\n")
                     ->usable_on_error(kNow + 61));
}

TEST(Request, KeysTellTargetsApart) {
    EXPECT_EQ(asked("GET /a?b=c").key(), "web.test/a?b=c");
    EXPECT_NE(asked("GET /a").key(), asked("GET /A").key());
    EXPECT_NE(asked("GET /a", {}, "https").key(), asked("GET /a").key());
    const Request request = asked("POST /dir/page?x=/y");
    EXPECT_TRUE(request.unsafe());
    EXPECT_EQ(request.key_of("/other#part"), "web.test/other");
    EXPECT_EQ(request.key_of("http://WEB.test/other"), "web.test/other");
    EXPECT_EQ(request.key_of("http://web.test"), "web.test/");
    EXPECT_EQ(request.key_of("sister"), "web.test/dir/sister");
    EXPECT_EQ(request.key_of("http://elsewhere.test/other"), "");
    EXPECT_EQ(request.key_of("//elsewhere.test/other"), "");
    for (const char* line : {"GET /", "HEAD /", "OPTIONS /", "TRACE /"}) EXPECT_FALSE(asked(line).unsafe()) << line;
    for (const char* line : {"PUT /", "DELETE /", "PATCH /", "PURGE /"}) EXPECT_TRUE(asked(line).unsafe()) << line;
}

}  // namespace
}  // namespace steelyard::cache
