// The recorder against a client of this file's own that answers as it is told to.
#include "controller/events/recorder.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "tests/unit/support/refusing_client.hpp"

namespace steelyard::events {
namespace {

using kube::ApiError;
using kube::ApiErrorKind;
using nlohmann::json;

class FakeApi final : public test::RefusingClient {
public:
    Answer create(const std::string& target, const std::string& body, const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        if (auto error = fail()) return *error;
        const json object = json::parse(body);
        const std::string path = target + "/" + object["metadata"]["name"].get<std::string>();
        if (!events_.emplace(path, object).second) return ApiError{ApiErrorKind::conflict, 409, "exists"};
        return body;
    }
    Answer patch(const std::string& target, const std::string& body, std::string_view type,
                 const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        if (auto error = fail()) return *error;
        EXPECT_EQ(type, kube::kMergePatch);
        const auto found = events_.find(target);
        if (found == events_.end()) return ApiError{ApiErrorKind::not_found, 404, "no such event"};
        found->second.merge_patch(json::parse(body));
        return found->second.dump();
    }

    void fail_with(ApiErrorKind kind, int times) {
        const std::lock_guard lock(mutex_);
        failure_ = kind;
        failures_ = times;
    }
    std::vector<json> events() const {
        const std::lock_guard lock(mutex_);
        std::vector<json> out;
        for (const auto& [path, event] : events_) out.push_back(event);
        return out;
    }
    void forget_all() {
        const std::lock_guard lock(mutex_);
        events_.clear();
    }

private:
    std::optional<ApiError> fail() {
        if (failures_ <= 0) return std::nullopt;
        --failures_;
        return ApiError{failure_, 0, "told to"};
    }
    mutable std::mutex mutex_;
    std::map<std::string, json> events_;
    ApiErrorKind failure_ = ApiErrorKind::unreachable;
    int failures_ = 0;
};

EventSpec event(const std::string& note, bool once = false) {
    return {{"v1", "Service", "shop", "web", "uid-1"}, Severity::warning, "InvalidAnnotation", note, "Translate", once};
}

RecorderOptions quick() {
    RecorderOptions out;
    out.identity = "controller-1";
    out.limits.series_interval = Milliseconds(1);
    out.retry_base = out.retry_limit = out.pace = Milliseconds(2);
    return out;
}

bool eventually(const std::function<bool()>& condition) {
    const TimePoint deadline = Clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (Clock::now() > deadline) return false;
        std::this_thread::sleep_for(Milliseconds(1));
    }
    return true;
}

TEST(Recorder, AnEventHasAllThatTheApiAsksFor) {
    FakeApi api;
    Recorder recorder(api, quick());
    recorder.start();
    recorder.record(event("weight: 'x' is not a number"));
    ASSERT_TRUE(eventually([&] { return recorder.stats().created == 1; }));
    const json made = api.events().at(0);
    EXPECT_EQ(made["apiVersion"], "events.k8s.io/v1");
    EXPECT_EQ(made["metadata"]["namespace"], "shop");
    EXPECT_EQ(made["reportingController"], "steelyard.dev/controller");
    EXPECT_EQ(made["reportingInstance"], "controller-1");
    EXPECT_EQ(made["type"], "Warning");
    EXPECT_EQ(made["reason"], "InvalidAnnotation");
    EXPECT_EQ(made["action"], "Translate");
    EXPECT_EQ(made["note"], "weight: 'x' is not a number");
    EXPECT_EQ(
        made["regarding"],
        (json{{"apiVersion", "v1"}, {"kind", "Service"}, {"namespace", "shop"}, {"name", "web"}, {"uid", "uid-1"}}));
    EXPECT_EQ(made["eventTime"].get<std::string>().size(), 27U);
}

TEST(Recorder, RepeatsOfOneAndOfAnotherReplicaAddUpInOneSeries) {
    FakeApi api;
    Recorder one(api, quick());
    Recorder two(api, quick());
    one.start();
    two.start();
    one.record(event("a"));
    ASSERT_TRUE(eventually([&] { return one.stats().created == 1; }));
    one.record(event("a"));
    ASSERT_TRUE(eventually([&] { return one.stats().updated == 1; }));
    two.record(event("a"));
    ASSERT_TRUE(eventually([&] { return two.stats().updated == 1; }));
    ASSERT_EQ(api.events().size(), 1U);
    EXPECT_EQ(api.events()[0]["series"]["count"], 3);
}

TEST(Recorder, WhatStandsIsNotSaidAgainByTheNextController) {
    FakeApi api;
    {
        Recorder before(api, quick());
        before.start();
        before.record(event("a", true));
        ASSERT_TRUE(eventually([&] { return before.stats().created == 1; }));
    }
    Recorder after(api, quick());
    after.start();
    after.record(event("a", true));
    ASSERT_TRUE(eventually([&] { return after.stats().known == 1; }));
    EXPECT_FALSE(api.events()[0].contains("series"));
}

TEST(Recorder, AnOutageIsWaitedOutAndARefusalIsNot) {
    FakeApi api;
    api.fail_with(ApiErrorKind::unreachable, 5);
    Recorder recorder(api, quick());
    recorder.start();
    recorder.record(event("a"));
    ASSERT_TRUE(eventually([&] { return recorder.stats().created == 1; }));
    api.fail_with(ApiErrorKind::forbidden, 1);
    recorder.record(event("b"));
    ASSERT_TRUE(eventually([&] { return recorder.stats().failed == 1; }));
    recorder.record(event("c"));
    ASSERT_TRUE(eventually([&] { return recorder.stats().created == 2; }));
}

TEST(Recorder, ASeriesWhoseEventIsForgottenIsMadeAnew) {
    FakeApi api;
    Recorder recorder(api, quick());
    recorder.start();
    recorder.record(event("a"));
    ASSERT_TRUE(eventually([&] { return recorder.stats().created == 1; }));
    api.forget_all();
    recorder.record(event("a"));
    ASSERT_TRUE(eventually([&] { return recorder.stats().created == 2; }));
}

TEST(Recorder, AFullQueueDropsAndAStopIsPrompt) {
    FakeApi api;
    api.fail_with(ApiErrorKind::unreachable, 1'000'000);
    auto options = quick();
    options.max_queue = 10;
    options.retry_base = options.retry_limit = std::chrono::minutes(5);
    options.patience = std::chrono::hours(1);
    Recorder recorder(api, options);
    recorder.start();
    for (int i = 0; i < 100; ++i) recorder.record(event(std::to_string(i)));
    EXPECT_GE(recorder.stats().dropped, 89U);
    const TimePoint before = Clock::now();
    recorder.stop();
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(10));
}

}  // namespace
}  // namespace steelyard::events
