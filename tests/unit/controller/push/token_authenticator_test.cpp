#include "controller/push/token_authenticator.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/unit/support/refusing_client.hpp"

namespace steelyard::push {
namespace {

using namespace std::chrono_literals;

// Says yes to everybody as shop/web, once the gate is open; or fails.
class FakeReviews final : public test::RefusingClient {
public:
    Answer create(const std::string& target, const std::string& body, const std::stop_token& stop) override {
        EXPECT_EQ(target, "/apis/authentication.k8s.io/v1/tokenreviews");
        EXPECT_NE(body.find("\"audiences\":[\"steelyard\"]"), std::string::npos);
        ++reviews;
        std::unique_lock lock{mutex};
        if (!wake.wait(lock, stop, [this] { return open; }))
            return kube::ApiError{kube::ApiErrorKind::stopped, 0, "stopped"};
        if (down) return kube::ApiError{kube::ApiErrorKind::unreachable, 0, "down"};
        return nlohmann::json{{"status",
                               {{"authenticated", true},
                                {"audiences", {"steelyard"}},
                                {"user", {{"username", "system:serviceaccount:shop:web"}}}}}}
            .dump();
    }
    void set_open(bool value) {
        const std::lock_guard lock{mutex};
        open = value;
        wake.notify_all();
    }

    std::atomic<int> reviews{0};
    std::atomic<bool> down{false};

private:
    std::mutex mutex;
    std::condition_variable_any wake;
    bool open = true;
};

// {"exp":1900000000,"aud":["steelyard"]}, told apart by the signature.
Peer peer(const std::string& signature) {
    return {"10.0.0.1:1", "Bearer e30.eyJleHAiOjE5MDAwMDAwMDAsImF1ZCI6WyJzdGVlbHlhcmQiXX0." + signature};
}

std::future<Verdict> ask(TokenAuthenticator& authenticator, const Peer& who) {
    auto promise = std::make_shared<std::promise<Verdict>>();
    authenticator.authenticate(who, [promise](Verdict verdict) { promise->set_value(std::move(verdict)); });
    return promise->get_future();
}
std::string code(std::future<Verdict> answer) {
    if (answer.wait_for(10s) != std::future_status::ready) return "no answer";
    const Verdict verdict = answer.get();
    const auto* refusal = std::get_if<Refusal>(&verdict);
    return refusal == nullptr ? "" : refusal->code;
}

TokenAuthenticatorOptions options() {
    TokenAuthenticatorOptions out;
    out.now = [] { return int64_t{1'800'000'000}; };
    return out;
}

TEST(TokenAuthenticator, AVerdictIsKeptAndSharedByThoseWhoAskAtOnce) {
    FakeReviews api;
    TokenAuthenticator authenticator(options(), api);
    api.set_open(false);
    std::vector<std::future<Verdict>> waiting;
    for (int i = 0; i < 50; ++i) waiting.push_back(ask(authenticator, peer("same")));
    api.set_open(true);
    for (auto& one : waiting) EXPECT_EQ(code(std::move(one)), "");
    EXPECT_EQ(code(ask(authenticator, peer("same"))), "");
    EXPECT_EQ(api.reviews, 1);
    EXPECT_EQ(code(ask(authenticator, peer("another"))), "");
    EXPECT_EQ(api.reviews, 2);
    EXPECT_GE(authenticator.stats().cached, 1u);
}

TEST(TokenAuthenticator, GarbageAndTheExpiredCostTheApiServerNothing) {
    FakeReviews api;
    auto late = options();
    late.now = [] { return int64_t{1'900'000'000}; };
    TokenAuthenticator authenticator(late, api);
    EXPECT_EQ(code(ask(authenticator, peer("x"))), "unauthorized");
    EXPECT_EQ(code(ask(authenticator, {"a", ""})), "unauthorized");
    EXPECT_EQ(code(ask(authenticator, {"a", "Bearer a.b.c"})), "unauthorized");
    EXPECT_EQ(api.reviews, 0);
    auto other = options();
    other.rules.audience = "another";
    TokenAuthenticator another(other, api);
    EXPECT_EQ(code(ask(another, peer("x"))), "forbidden");
    EXPECT_EQ(api.reviews, 0);
}

TEST(TokenAuthenticator, NoAnswerIsNotKept) {
    FakeReviews api;
    TokenAuthenticator authenticator(options(), api);
    api.down = true;
    EXPECT_EQ(code(ask(authenticator, peer("x"))), "unavailable");
    api.down = false;
    EXPECT_EQ(code(ask(authenticator, peer("x"))), "");
}

TEST(TokenAuthenticator, TheQueueIsBounded) {
    FakeReviews api;
    auto few = options();
    few.max_waiting = 3;
    TokenAuthenticator authenticator(few, api);
    api.set_open(false);
    std::vector<std::future<Verdict>> waiting;
    for (int i = 0; i < 3; ++i) waiting.push_back(ask(authenticator, peer("n" + std::to_string(i))));
    EXPECT_EQ(code(ask(authenticator, peer("n4"))), "unavailable");
    api.set_open(true);
    for (auto& one : waiting) EXPECT_EQ(code(std::move(one)), "");
}

TEST(TokenAuthenticator, StoppingAnswersEverybody) {
    FakeReviews api;
    TokenAuthenticator authenticator(options(), api);
    api.set_open(false);
    std::vector<std::future<Verdict>> waiting;
    for (int i = 0; i < 20; ++i) waiting.push_back(ask(authenticator, peer("n" + std::to_string(i))));
    authenticator.stop();
    for (auto& one : waiting) EXPECT_EQ(code(std::move(one)), "unavailable");
    EXPECT_EQ(code(ask(authenticator, peer("late"))), "unavailable");
}

}  // namespace
}  // namespace steelyard::push
