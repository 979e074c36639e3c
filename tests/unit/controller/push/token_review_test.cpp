#include "controller/push/token_review.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace steelyard::push {
namespace {

using nlohmann::json;

std::string base64url(const std::string& text) {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    uint32_t bits = 0;
    int have = 0;
    for (const char c : text) {
        bits = (bits << 8) | static_cast<unsigned char>(c);
        for (have += 8; have >= 6; have -= 6) out += kAlphabet[(bits >> (have - 6)) & 63];
    }
    if (have > 0) out += kAlphabet[(bits << (6 - have)) & 63];
    return out;
}
std::string token(const std::string& claims) { return "aGVhZA." + base64url(claims) + ".c2ln"; }

TEST(BearerToken, IsThreePartsAfterTheWordInAnyCase) {
    EXPECT_EQ(bearer_token("Bearer a.b.c"), "a.b.c");
    EXPECT_EQ(bearer_token("bearer a-_9.b.c"), "a-_9.b.c");
    EXPECT_EQ(bearer_token("BEARER a.b."), "a.b.");
    for (const std::string& bad :
         {std::string{}, std::string("Bearer"), std::string("Bearer "), std::string("Basic a.b.c"),
          std::string("Bearer a.b"), std::string("Bearer a.b.c.d"), std::string("Bearer  a.b.c"),
          std::string("Bearer a.b.c "), std::string("Bearer a.b\n.c"), std::string("Bearer a+.b.c"),
          "Bearer " + std::string(kMaxTokenBytes, 'a') + ".b.c"}) {
        EXPECT_FALSE(bearer_token(bad)) << bad.substr(0, 40);
    }
}

TEST(Claims, TheExpiryAndTheAudienceAreRead) {
    const auto one = claims_of(token(R"({"exp":1800000000,"aud":["x","steelyard"]})"), "steelyard");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->expires, 1800000000);
    EXPECT_TRUE(one->for_audience);
    EXPECT_TRUE(claims_of(token(R"({"exp":1,"aud":"steelyard"})"), "steelyard")->for_audience);
    EXPECT_FALSE(claims_of(token(R"({"exp":1,"aud":["steelyard2"]})"), "steelyard")->for_audience);
    EXPECT_FALSE(claims_of(token(R"({"exp":1})"), "steelyard")->for_audience);
}

TEST(Claims, WhatHasNoPlausibleExpiryIsNoToken) {
    for (const char* bad : {R"({})", R"([])", R"("x")", "", "{", R"({"exp":"1"})", R"({"exp":1.5})", R"({"exp":-1})",
                            R"({"exp":0})", R"({"exp":18446744073709551615})", R"({"exp":1e99})", R"({"exp":null})"}) {
        EXPECT_FALSE(claims_of(token(bad), "steelyard")) << bad;
    }
    EXPECT_FALSE(claims_of("a.b", "steelyard"));
    EXPECT_FALSE(claims_of("a.+/+.c", "steelyard"));
    EXPECT_FALSE(claims_of("a.aaaaa.c", "steelyard"));
    EXPECT_FALSE(claims_of(token(std::string(4000, '[')), "steelyard"));
}

json review() {
    return {{"status",
             {{"authenticated", true},
              {"audiences", {"steelyard"}},
              {"user",
               {{"username", "system:serviceaccount:shop:web"},
                {"extra", {{"authentication.kubernetes.io/pod-name", {"web-0"}}}}}}}}};
}
const ReviewRules kRules{"steelyard", "steelyard-system", false};

std::string code(const json& answer) {
    const auto verdict = verdict_of(answer.dump(), kRules, 7);
    const auto* refusal = std::get_if<Refusal>(&verdict);
    return refusal == nullptr ? "" : refusal->code;
}

TEST(Verdict, NamesTheNamespaceTheAccountAndThePod) {
    const auto identity = std::get<Identity>(verdict_of(review().dump(), kRules, 7));
    EXPECT_EQ(identity.ns, "shop");
    EXPECT_EQ(identity.service_account, "web");
    EXPECT_EQ(identity.pod, "web-0");
    EXPECT_EQ(identity.expires, 7);
    EXPECT_FALSE(identity.edge);
    EXPECT_FALSE(identity.everywhere);
    auto unbound = review();
    unbound["status"]["user"].erase("extra");
    EXPECT_EQ(std::get<Identity>(verdict_of(unbound.dump(), kRules, 7)).pod, "");
    auto own = review();
    own["status"]["user"]["username"] = "system:serviceaccount:steelyard-system:edge";
    EXPECT_TRUE(std::get<Identity>(verdict_of(own.dump(), kRules, 7)).edge);
}

TEST(Verdict, EveryOtherAnswerRefuses) {
    auto answer = review();
    answer["status"]["authenticated"] = false;
    EXPECT_EQ(code(answer), "unauthorized");
    answer["status"]["authenticated"] = "true";
    EXPECT_EQ(code(answer), "unauthorized");
    answer = review();
    answer["status"]["audiences"] = {"another"};
    EXPECT_EQ(code(answer), "forbidden");
    answer["status"].erase("audiences");
    EXPECT_EQ(code(answer), "forbidden") << "an API server that does not know audiences says nothing of them";
    for (const char* user : {"system:serviceaccount:shop", "system:serviceaccount::web", "system:serviceaccount:shop:",
                             "admin", "system:serviceaccount:shop:web:x", "system:serviceaccount:sh op:web",
                             "system:node:shop:web", "system:serviceaccount:shop/x:web"}) {
        answer = review();
        answer["status"]["user"]["username"] = user;
        EXPECT_EQ(code(answer), "forbidden") << user;
    }
    answer = review();
    answer["status"]["user"]["extra"]["authentication.kubernetes.io/pod-name"] = {"we b"};
    EXPECT_EQ(code(answer), "unavailable");
    EXPECT_EQ(code(json::object()), "unavailable");
    EXPECT_EQ(code(json::array()), "unavailable");
    EXPECT_EQ(std::get<Refusal>(verdict_of("<html>", kRules, 7)).code, "unavailable");
}

TEST(ReviewRequest, AsksForOurAudience) {
    const json request = json::parse(review_request("a.b.c", "steelyard"));
    EXPECT_EQ(request["kind"], "TokenReview");
    EXPECT_EQ(request["spec"]["token"], "a.b.c");
    EXPECT_EQ(request["spec"]["audiences"], json::array({"steelyard"}));
}

Hello hello(const char* name, Role role = Role::sidecar) {
    Hello h;
    h.name = name;
    h.role = role;
    return h;
}

TEST(CheckHello, APodsProxyIsCalledByThePodsName) {
    Identity pod;
    pod.ns = "shop";
    pod.service_account = "web";
    pod.pod = "web-0";
    for (const char* good : {"web-0", "shop/web-0", "web-0-4711", "shop/web-0-4711"}) {
        EXPECT_FALSE(check_hello(pod, hello(good))) << good;
    }
    for (const char* bad :
         {"web-1", "web-0-", "web-0-x", "web-01", "web", "", "other/web-0", "shop/", "shop/shop/web-0", "web-0/x"}) {
        EXPECT_TRUE(check_hello(pod, hello(bad))) << bad;
    }
    EXPECT_EQ(check_hello(pod, hello("web-0", Role::edge))->code, "forbidden");
    pod.edge = true;
    EXPECT_FALSE(check_hello(pod, hello("web-0", Role::edge)));
    pod.pod.clear();
    EXPECT_FALSE(check_hello(pod, hello("anything")));
    EXPECT_FALSE(check_hello(Identity{}, hello("anything", Role::edge))) << "nobody was asked";
}

TEST(SessionName, NobodyTakesAnothersName) {
    Identity pod, other, account;
    pod.ns = other.ns = account.ns = "shop";
    pod.service_account = other.service_account = account.service_account = "web";
    pod.pod = "web-0";
    other.pod = "web";
    std::set<std::string> names;
    for (const auto& identity : {pod, other, account}) {
        for (const char* name : {"web-0", "web"}) names.insert(session_name(identity, hello(name)));
    }
    other.ns = "another";
    names.insert(session_name(other, hello("web")));
    EXPECT_EQ(names.size(), 7u);
    EXPECT_EQ(session_name(Identity{}, hello("web")), "web");
}

}  // namespace
}  // namespace steelyard::push
