// The writer against a client of this file's own that answers as it is told to.
#include "controller/status/writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "tests/unit/support/refusing_client.hpp"

namespace steelyard::status {
namespace {

using kube::ApiError;
using kube::ApiErrorKind;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class FakeApi final : public test::RefusingClient {
public:
    Answer patch(const std::string& target, const std::string& body, std::string_view type,
                 const std::stop_token&) override {
        std::unique_lock lock(mutex_);
        EXPECT_EQ(type, kube::kMergePatch);
        tried_.push_back(target.substr(target.find("/namespaces/")) + " " + body);
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
        if (failures_.empty()) return body;
        const ApiErrorKind kind = failures_.front();
        failures_.pop_front();
        return ApiError{kind, 500, "told so"};
    }

    void fail(std::deque<ApiErrorKind> kinds) {
        const std::lock_guard lock(mutex_);
        failures_ = std::move(kinds);
    }
    void hold(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    std::vector<std::string> wait_tried(size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return tried_.size() >= count; });
        return tried_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> tried_;
    std::deque<ApiErrorKind> failures_;
    bool held_ = false;
};

struct StatusWriter : testing::Test {
    FakeApi api;
    std::atomic<bool> leads{true};
    Writer writer{
        api,
        [this] { return leads.load(); },
        {.max_queue = 2, .pace = Milliseconds(0), .retry_base = Milliseconds(1), .retry_limit = Milliseconds(5)}};

    void offer(const std::string& name, const std::string& message) {
        kube::LoadBalancingPolicy policy;
        policy.meta = {"shop", name, "1", {}};
        writer.offer(policy, {{"Accepted", true, "Accepted", message, 1}});
    }
    // Until nothing waits any more.
    bool drained() {
        for (int i = 0; i < 2000 && writer.stats().waiting != 0; ++i) std::this_thread::sleep_for(Milliseconds(5));
        return writer.stats().waiting == 0;
    }
};

TEST_F(StatusWriter, WritesToTheSubresource) {
    writer.start();
    offer("web", "good");
    EXPECT_THAT(api.wait_tried(1), ElementsAre(HasSubstr("/namespaces/shop/loadbalancingpolicies/web/status {")));
    EXPECT_TRUE(drained());
    EXPECT_EQ(writer.stats().written, 1U);
}

TEST_F(StatusWriter, OfSeveralStatesTheNewestIsWritten) {
    offer("web", "first");
    offer("web", "second");
    writer.start();
    EXPECT_TRUE(drained());
    EXPECT_THAT(api.wait_tried(1), ElementsAre(HasSubstr("second")));
}

TEST_F(StatusWriter, WhatIsOfferedWhileItIsWrittenIsWrittenToo) {
    api.hold(true);
    writer.start();
    offer("web", "first");
    api.wait_tried(1);
    offer("web", "second");
    api.hold(false);
    EXPECT_THAT(api.wait_tried(2), ElementsAre(HasSubstr("first"), HasSubstr("second")));
    EXPECT_TRUE(drained());
}

TEST_F(StatusWriter, TriesAgainUntilItSucceeds) {
    api.fail({ApiErrorKind::unreachable, ApiErrorKind::forbidden, ApiErrorKind::server});
    offer("web", "good");
    writer.start();
    EXPECT_EQ(api.wait_tried(4).size(), 4U);
    EXPECT_TRUE(drained());
    EXPECT_EQ(writer.stats().written, 1U);
    EXPECT_EQ(writer.stats().failed, 3U);
}

TEST_F(StatusWriter, APolicyThatIsGoneIsForgottenAndWhatIsRefusedGivenUp) {
    api.fail({ApiErrorKind::not_found, ApiErrorKind::status});
    offer("gone", "x");
    offer("refused", "y");
    writer.start();
    EXPECT_TRUE(drained());
    EXPECT_EQ(writer.stats().written, 0U);
    EXPECT_EQ(writer.stats().refused, 1U);
}

TEST_F(StatusWriter, OnlyTheLeaderWrites) {
    leads = false;
    offer("web", "good");
    EXPECT_EQ(writer.stats().waiting, 0U);
    leads = true;
    offer("web", "good");
    leads = false;
    writer.start();
    EXPECT_TRUE(drained());
    EXPECT_EQ(writer.stats().written, 0U);
}

TEST_F(StatusWriter, WhatIsThereAlreadyIsNotWrittenAndTakesBackWhatWaits) {
    offer("web", "good");
    kube::LoadBalancingPolicy policy;
    policy.meta = {"shop", "web", "1", {}};
    policy.conditions = {{"Accepted", true, "Accepted", "as it was", 1, "2026-11-20T00:00:00Z"}};
    writer.offer(policy, {{"Accepted", true, "Accepted", "as it was", 1}});
    EXPECT_EQ(writer.stats().waiting, 0U);
}

TEST_F(StatusWriter, TheQueueIsBounded) {
    for (const char* name : {"a", "b", "c", "a"}) offer(name, "x");
    EXPECT_EQ(writer.stats().waiting, 2U);
    EXPECT_EQ(writer.stats().dropped, 1U);
}

TEST_F(StatusWriter, StopsAtOnceWhileItWaits) {
    Writer patient(api, [] { return true; },
                   {.retry_base = Milliseconds(100'000), .retry_limit = Milliseconds(100'000)});
    api.fail({ApiErrorKind::unreachable, ApiErrorKind::unreachable, ApiErrorKind::unreachable});
    patient.start();
    kube::LoadBalancingPolicy policy;
    policy.meta = {"shop", "web", "1", {}};
    patient.offer(policy, {{"Accepted", true, "Accepted", "x", 1}});
    api.wait_tried(1);
    patient.stop();
}

}  // namespace
}  // namespace steelyard::status
