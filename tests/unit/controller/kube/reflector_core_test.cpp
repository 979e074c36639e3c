#include "controller/kube/reflector_core.hpp"

#include <gtest/gtest.h>

namespace steelyard::kube {
namespace {

ReflectorCore core() {
    return ReflectorCore(ReflectorTiming{}, [] { return 0.5; });
}

ReflectorCore watching_from(const std::string& version) {
    ReflectorCore out = core();
    out.on_page(version, "", 1000);
    return out;
}

ApiError error(ApiErrorKind kind, int status = 0) { return ApiError{kind, status, "text"}; }
const ReflectorCore::List* list_of(const ReflectorCore::Step& step) { return std::get_if<ReflectorCore::List>(&step); }
const ReflectorCore::Watch* watch_of(const ReflectorCore::Step& step) {
    return std::get_if<ReflectorCore::Watch>(&step);
}

constexpr Milliseconds kShort{10};
constexpr Milliseconds kLong{60'000};

TEST(ReflectorCore, ListsPageByPageThenWatchesFromTheListsVersion) {
    ReflectorCore machine = core();
    auto step = machine.next();
    ASSERT_NE(list_of(step), nullptr);
    EXPECT_EQ(list_of(step)->continue_token, "");
    EXPECT_EQ(list_of(step)->limit, 500);
    EXPECT_FALSE(machine.on_page("7", "token", 1000));
    step = machine.next();
    ASSERT_NE(list_of(step), nullptr);
    EXPECT_EQ(list_of(step)->continue_token, "token");
    EXPECT_TRUE(machine.on_page("7", "", 1000));
    step = machine.next();
    ASSERT_NE(watch_of(step), nullptr);
    EXPECT_EQ(watch_of(step)->resource_version, "7");
    EXPECT_EQ(watch_of(step)->timeout_seconds, 360);
}

TEST(ReflectorCore, AWatchResumesFromTheLastEventOrBookmark) {
    ReflectorCore machine = watching_from("7");
    machine.on_progress("9");
    EXPECT_EQ(machine.on_watch_end(kLong).count(), 0);
    EXPECT_EQ(watch_of(machine.next())->resource_version, "9");
    machine.on_error(error(ApiErrorKind::unreachable), kShort);
    EXPECT_EQ(watch_of(machine.next())->resource_version, "9");
}

TEST(ReflectorCore, AServerThatEndsWatchesAtOnceIsNotAskedInALoop) {
    ReflectorCore machine = watching_from("7");
    EXPECT_EQ(machine.on_watch_end(kShort).count(), 50);
    EXPECT_EQ(machine.on_watch_end(kShort).count(), 100);
    EXPECT_EQ(machine.on_watch_end(kLong).count(), 0);
    EXPECT_EQ(machine.on_watch_end(kShort).count(), 50);
}

TEST(ReflectorCore, GoneWhileWatchingListsAnewAtOnceAndSlowerWhenItRepeats) {
    ReflectorCore machine = watching_from("7");
    for (int i = 0; i < 8; ++i) machine.on_error(error(ApiErrorKind::unreachable), kShort);
    EXPECT_EQ(machine.on_error(error(ApiErrorKind::gone, 410), kShort).count(), 50);
    ASSERT_NE(list_of(machine.next()), nullptr);
    machine.on_page("8", "", 1000);
    EXPECT_EQ(machine.on_error(error(ApiErrorKind::gone, 410), kShort).count(), 100);
    EXPECT_NE(list_of(machine.next()), nullptr);
}

TEST(ReflectorCore, GoneBetweenPagesBeginsTheListAgain) {
    ReflectorCore machine = core();
    machine.on_page("7", "token", 1000);
    machine.on_error(error(ApiErrorKind::gone, 410), Milliseconds(0));
    EXPECT_EQ(list_of(machine.next())->continue_token, "");
}

TEST(ReflectorCore, ATransientErrorBetweenPagesAsksForTheSamePageAgain) {
    for (const ApiErrorKind kind : {ApiErrorKind::unreachable, ApiErrorKind::timeout, ApiErrorKind::unauthorized,
                                    ApiErrorKind::throttled, ApiErrorKind::server}) {
        ReflectorCore machine = core();
        machine.on_page("7", "token", 1000);
        machine.on_error(error(kind, 0), Milliseconds(0));
        EXPECT_EQ(list_of(machine.next())->continue_token, "token") << to_string(kind);
    }
}

TEST(ReflectorCore, AWatchRefusedThreeTimesIsGivenUpForAList) {
    ReflectorCore machine = watching_from("99");
    for (int i = 0; i < 2; ++i) {
        machine.on_error(error(ApiErrorKind::server, 504), Milliseconds(0));
        ASSERT_NE(watch_of(machine.next()), nullptr);
    }
    machine.on_error(error(ApiErrorKind::server, 504), Milliseconds(0));
    EXPECT_NE(list_of(machine.next()), nullptr);
}

TEST(ReflectorCore, AnOutageHoweverLongDoesNotCauseAList) {
    ReflectorCore machine = watching_from("7");
    for (int i = 0; i < 1000; ++i)
        EXPECT_LE(machine.on_error(error(ApiErrorKind::unreachable), Milliseconds(0)).count(), 15'000);
    EXPECT_NE(watch_of(machine.next()), nullptr);
}

TEST(ReflectorCore, AnEventEndsTheBackoff) {
    ReflectorCore machine = watching_from("7");
    for (int i = 0; i < 5; ++i) machine.on_error(error(ApiErrorKind::unreachable), Milliseconds(0));
    machine.on_progress("8");
    EXPECT_EQ(machine.on_error(error(ApiErrorKind::unreachable), kShort).count(), 50);
}

TEST(ReflectorCore, RetryAfterIsObeyedWithinReason) {
    ReflectorCore machine = core();
    ApiError throttled = error(ApiErrorKind::throttled, 429);
    throttled.retry_after = Milliseconds(2000);
    EXPECT_EQ(machine.on_error(throttled, Milliseconds(0)).count(), 2000);
    throttled.retry_after = std::chrono::hours(24);
    EXPECT_EQ(machine.on_error(throttled, Milliseconds(0)).count(), 60'000);
}

TEST(ReflectorCore, ARefusedTokenIsTriedAgainSoon) {
    ReflectorCore machine = watching_from("7");
    for (int i = 0; i < 100; ++i)
        EXPECT_LE(machine.on_error(error(ApiErrorKind::unauthorized, 401), Milliseconds(0)).count(), 5000);
}

TEST(ReflectorCore, LargePagesMakeTheNextOnesSmaller) {
    ReflectorCore machine = core();
    machine.on_page("7", "a", 17 * 1024 * 1024);
    EXPECT_EQ(list_of(machine.next())->limit, 250);
    for (int i = 0; i < 20; ++i) machine.on_page("7", "a", 17 * 1024 * 1024);
    EXPECT_EQ(list_of(machine.next())->limit, 10);
}

}  // namespace
}  // namespace steelyard::kube
