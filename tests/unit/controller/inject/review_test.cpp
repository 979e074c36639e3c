#include "controller/inject/review.hpp"

#include <gtest/gtest.h>

#include "controller/kube/base64.hpp"

namespace steelyard::inject {
namespace {

constexpr const char* kReview = R"({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
    "uid": "705ab4f5", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "shop",
    "dryRun": true, "object": {"metadata": {"generateName": "web-"}, "spec": {"containers": [{"name": "app"}]}}}})";

std::string problem_of(const Json& review) {
    const auto parsed = parse_review(review.dump());
    return parsed ? "" : parsed.error().to_string();
}

TEST(Review, IsReadWhole) {
    const auto review = parse_review(kReview);
    ASSERT_TRUE(review) << review.error().to_string();
    EXPECT_EQ(review->uid, "705ab4f5");
    EXPECT_EQ(review->ns, "shop");
    EXPECT_EQ(review->name, "");
    EXPECT_TRUE(review->dry_run);
    EXPECT_TRUE(review->is_new_pod());
    EXPECT_EQ(text_of(*member(review->object, "metadata"), "generateName"), "web-");
}

TEST(Review, OfSomethingElseIsReadWithoutItsObject) {
    Json review = Json::parse(kReview);
    review["request"]["kind"] = {{"group", "apps"}, {"version", "v1"}, {"kind", "Deployment"}};
    const auto parsed = parse_review(review.dump());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->kind, "apps/v1 Deployment");
    EXPECT_FALSE(parsed->is_new_pod());
    EXPECT_TRUE(parsed->object.is_null());
}

TEST(Review, ThatIsMalformedIsNamedByItsPath) {
    const auto without = [](const char* name) {
        Json review = Json::parse(kReview);
        review["request"].erase(name);
        return review;
    };
    EXPECT_EQ(problem_of(Json::array()), "kind: is not AdmissionReview");
    EXPECT_EQ(problem_of({{"kind", "AdmissionReview"}, {"apiVersion", "admission.k8s.io/v1beta1"}}),
              "apiVersion: 'admission.k8s.io/v1beta1' is not admission.k8s.io/v1");
    EXPECT_EQ(problem_of({{"kind", "AdmissionReview"}, {"apiVersion", "admission.k8s.io/v1"}}), "request: is missing");
    EXPECT_EQ(problem_of(without("uid")), "request.uid: is not a uid of 1-256 characters");
    EXPECT_EQ(problem_of(without("kind")), "request.kind: is missing");
    EXPECT_EQ(problem_of(without("operation")), "request.operation: is missing");
    EXPECT_EQ(problem_of(without("object")), "request.object: is missing");
    EXPECT_EQ(problem_of(without("namespace")), "request.namespace: is missing");
    for (const std::string& text :
         {std::string(), std::string("{"), std::string(kReview) + "x", std::string(200'000, '[')})
        EXPECT_FALSE(parse_review(text));
}

TEST(Answer, OfAnInjectionCarriesThePatchInBase64) {
    Outcome outcome;
    outcome.decision = Decision::inject;
    outcome.warnings = {"mind the gap"};
    outcome.patch = Json::array({{{"op", "add"}, {"path", "/spec/volumes"}, {"value", Json::array()}}});
    const Json answered = Json::parse(answer("u1", outcome));
    EXPECT_EQ(answered["apiVersion"], "admission.k8s.io/v1");
    EXPECT_EQ(answered["kind"], "AdmissionReview");
    const Json& response = answered["response"];
    EXPECT_EQ(response["uid"], "u1");
    EXPECT_EQ(response["allowed"], true);
    EXPECT_EQ(response["patchType"], "JSONPatch");
    EXPECT_EQ(response["warnings"], Json::array({"mind the gap"}));
    const auto patch = kube::base64_decode(response["patch"].get<std::string>());
    ASSERT_TRUE(patch);
    EXPECT_EQ(Json::parse(*patch), outcome.patch);
}

TEST(Answer, OfARefusalSaysWhyAndOfASkipNothing) {
    Outcome outcome;
    outcome.decision = Decision::refuse;
    outcome.message = "annotation x: is wrong \xff";
    Json response = Json::parse(answer("u2", outcome))["response"];
    EXPECT_EQ(response["allowed"], false);
    EXPECT_EQ(response["status"]["code"], 403);
    EXPECT_EQ(response["status"]["message"], "annotation x: is wrong \xef\xbf\xbd") << "always valid UTF-8";
    EXPECT_FALSE(response.contains("patch"));
    outcome.temporary = true;
    EXPECT_EQ(Json::parse(answer("u2", outcome))["response"]["status"]["code"], 503);
    outcome = {};
    response = Json::parse(answer("u3", outcome))["response"];
    EXPECT_EQ(response, (Json{{"uid", "u3"}, {"allowed", true}}));
}

TEST(Base64, IsWhatOthersRead) {
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(base64("f"), "Zg==");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(base64("foo"), "Zm9v");
    EXPECT_EQ(base64("foob"), "Zm9vYg==");
    EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
    EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace steelyard::inject
