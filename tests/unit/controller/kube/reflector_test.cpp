// The reflector against an API server that is a script: each request must be the one expected and gets the answer
// written here.
#include "controller/kube/reflector.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <vector>

namespace steelyard::kube {
namespace {

ApiError failure(ApiErrorKind kind, int status = 0) { return ApiError{kind, status, "scripted"}; }

// A watch that gives its lines and then: nullopt = ends in good order, an error = fails so; kind `stopped` = blocks
// until stopped.
struct Script {
    std::string request = {};  // must occur in the target
    std::string body = {};     // of a list
    std::vector<std::string> lines = {};
    std::optional<ApiError> then = {};
};

void block(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
}

class ScriptedStream final : public WatchStream {
public:
    explicit ScriptedStream(Script script) : script_(std::move(script)) {}
    ApiResult<std::optional<std::string_view>> next_line(Milliseconds, const std::stop_token& stop) override {
        if (next_ < script_.lines.size()) return std::optional<std::string_view>(script_.lines[next_++]);
        if (!script_.then) return std::optional<std::string_view>();
        if (script_.then->kind == ApiErrorKind::stopped) block(stop);
        return *script_.then;
    }

private:
    Script script_;
    size_t next_ = 0;
};

class ScriptedTransport final : public Transport {
public:
    explicit ScriptedTransport(std::deque<Script> scripts) : scripts_(std::move(scripts)) {}

    ApiResult<std::string> get(const ApiRequest& request, const std::stop_token& stop) override {
        const std::optional<Script> script = take(request, stop);
        if (!script) return failure(ApiErrorKind::stopped);
        if (script->then) return *script->then;
        return script->body;
    }
    ApiResult<std::unique_ptr<WatchStream>> watch(const ApiRequest& request, const std::stop_token& stop) override {
        const std::optional<Script> script = take(request, stop);
        if (!script) return failure(ApiErrorKind::stopped);
        if (script->then && script->then->status != 0 && script->lines.empty()) return *script->then;
        return std::unique_ptr<WatchStream>(std::make_unique<ScriptedStream>(*script));
    }

    std::future<void> done() { return done_.get_future(); }

private:
    std::optional<Script> take(const ApiRequest& request, const std::stop_token& stop) {
        if (scripts_.empty()) {
            done_.set_value();
            block(stop);
            return std::nullopt;
        }
        const Script script = scripts_.front();
        scripts_.pop_front();
        EXPECT_NE(request.target.find(script.request), std::string::npos)
            << request.target << " lacks " << script.request;
        return script;
    }

    std::deque<Script> scripts_;
    std::promise<void> done_;
};

// What the handler was told, one word each.
class Recorder final : public Handler<Service> {
public:
    void on_list_begin() override { add("begin"); }
    void on_objects(std::vector<Service> objects) override {
        for (const Service& object : objects) add("+" + object.meta.name);
    }
    void on_list_end() override { add("end"); }
    void on_upsert(Service object) override { add("~" + object.meta.name); }
    void on_remove(ObjectKey key) override { add("-" + key.name); }
    std::string story() const { return story_; }

private:
    void add(const std::string& word) { story_ += (story_.empty() ? "" : " ") + word; }
    std::string story_;
};

std::string page(const std::string& version, const std::string& token, const std::vector<std::string>& names) {
    std::string items;
    for (const std::string& name : names) {
        items += (items.empty() ? "" : ",") + (R"({"metadata":{"namespace":"n","name":")" + name + R"("}})");
    }
    return R"({"metadata":{"resourceVersion":")" + version + R"(","continue":")" + token + R"("},"items":[)" + items +
           "]}";
}

std::string event(const std::string& type, const std::string& name, const std::string& version) {
    return R"({"type":")" + type + R"(","object":{"metadata":{"namespace":"n","name":")" + name +
           R"(","resourceVersion":")" + version + R"("}}})";
}

constexpr const char* kGone =
    R"({"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}})";

struct Outcome {
    std::string story;
    KindStats stats;
};

// Plays the scripts to their end, stops the reflector while it waits for more.
Outcome play(std::deque<Script> scripts) {
    ScriptedTransport transport(std::move(scripts));
    std::future<void> done = transport.done();
    Recorder handler;
    ReflectorTiming timing;
    timing.backoff_base = Milliseconds(1);
    timing.backoff_limit = Milliseconds(2);
    Reflector<Service> reflector(transport, handler, timing, [] { return 0.5; });
    reflector.start();
    EXPECT_EQ(done.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    const TimePoint before = Clock::now();
    reflector.stop();
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(10));
    return {handler.story(), reflector.stats()};
}

TEST(Reflector, ListsInPagesAndWatches) {
    const Outcome outcome = play({
        {.request = "/api/v1/services?limit=500", .body = page("10", "tok/en", {"a", "b"})},
        {.request = "&continue=tok%2Fen", .body = page("10", "", {"c"})},
        {.request = "watch=true&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=360",
         .lines = {event("ADDED", "d", "11"), event("MODIFIED", "a", "12"), "", event("DELETED", "b", "13")}},
        {.request = "resourceVersion=13"},
    });
    EXPECT_EQ(outcome.story, "begin +a +b +c end ~d ~a -b");
    EXPECT_TRUE(outcome.stats.synced);
    EXPECT_EQ(outcome.stats.lists, 1U);
    EXPECT_EQ(outcome.stats.objects, 3U);
    EXPECT_EQ(outcome.stats.watches, 2U);
    EXPECT_EQ(outcome.stats.events, 3U);
    EXPECT_TRUE(outcome.stats.errors.empty());
    EXPECT_TRUE(outcome.stats.last_event.has_value());
}

TEST(Reflector, ADisconnectResumesFromTheBookmarkWithoutAList) {
    const Outcome outcome = play({
        {.request = "limit=", .body = page("10", "", {"a"})},
        {.request = "resourceVersion=10",
         .lines = {event("BOOKMARK", "", "50")},
         .then = failure(ApiErrorKind::unreachable)},
        {.request = "resourceVersion=50", .then = failure(ApiErrorKind::server, 503)},
        {.request = "resourceVersion=50", .lines = {event("ADDED", "b", "51")}},
    });
    EXPECT_EQ(outcome.story, "begin +a end ~b");
    EXPECT_EQ(outcome.stats.bookmarks, 1U);
    EXPECT_EQ(outcome.stats.errors.at("unreachable"), 1U);
    EXPECT_EQ(outcome.stats.errors.at("server"), 1U);
    EXPECT_EQ(outcome.stats.last_error, "");
}

TEST(Reflector, GoneListsAnew) {
    const Outcome outcome = play({
        {.request = "limit=", .body = page("10", "", {"a", "b"})},
        {.request = "resourceVersion=10", .lines = {kGone}},
        {.request = "limit=", .body = page("90", "", {"b"})},
        {.request = "resourceVersion=90",
         .lines = {event("ADDED", "c", "91")},
         .then = failure(ApiErrorKind::gone, 410)},
        {.request = "limit=", .body = page("99", "", {"c"})},
    });
    EXPECT_EQ(outcome.story, "begin +a +b end begin +b end ~c begin +c end");
    EXPECT_EQ(outcome.stats.errors.at("gone"), 2U);
}

TEST(Reflector, AListThatBreaksOffIsContinuedOrBegunAgain) {
    const Outcome outcome = play({
        {.request = "limit=", .body = page("10", "next", {"a"})},
        {.request = "continue=next", .then = failure(ApiErrorKind::unreachable)},
        {.request = "continue=next", .then = failure(ApiErrorKind::gone, 410)},
        {.request = "limit=500", .body = R"({"metadata":{"resourceVersion":"11"},"items":[{"metadata":{"name":"a"}},)"},
        {.request = "limit=500", .body = page("12", "", {"a"})},
        {.request = "resourceVersion=12"},
    });
    EXPECT_EQ(outcome.story, "begin +a begin begin +a end");
    EXPECT_EQ(outcome.stats.errors.at("malformed"), 1U);
    EXPECT_EQ(outcome.stats.lists, 1U);
}

TEST(Reflector, ForbiddenIsRetriedAndSaidButNeverSynced) {
    const Outcome outcome = play({
        {.request = "limit=", .then = failure(ApiErrorKind::forbidden, 403)},
        {.request = "limit=", .then = failure(ApiErrorKind::forbidden, 403)},
    });
    EXPECT_EQ(outcome.story, "");
    EXPECT_FALSE(outcome.stats.synced);
    EXPECT_EQ(outcome.stats.errors.at("forbidden"), 2U);
    EXPECT_EQ(outcome.stats.last_error, "403 scripted");
}

TEST(Reflector, ASilentStreamIsReplacedWithoutFuss) {
    const Outcome outcome = play({
        {.request = "limit=", .body = page("10", "", {})},
        {.request = "resourceVersion=10", .then = failure(ApiErrorKind::timeout)},
        {.request = "resourceVersion=10", .lines = {event("ADDED", "a", "11")}},
    });
    EXPECT_EQ(outcome.story, "begin end ~a");
    EXPECT_EQ(outcome.stats.errors.at("idle"), 1U);
    EXPECT_EQ(outcome.stats.errors.size(), 1U);
}

TEST(Reflector, GarbageInAWatchListsAnewAndObjectsWithoutNamesAreLeftOut) {
    const Outcome outcome = play({
        {.request = "limit=", .body = page("10", "", {"a", ""})},
        {.request = "resourceVersion=10", .lines = {event("ADDED", "", "11"), event("ADDED", "b", "12"), "{]"}},
        {.request = "limit=", .body = page("13", "", {"a"})},
    });
    EXPECT_EQ(outcome.story, "begin +a end ~b begin +a end");
    EXPECT_EQ(outcome.stats.errors.at("malformed"), 1U);
    EXPECT_EQ(outcome.stats.errors.at("unnamed"), 2U);
}

TEST(Reflector, ANudgeEndsTheWaitForAServerButNotForARight) {
    for (const bool server : {true, false}) {
        ScriptedTransport transport({{.then = failure(server ? ApiErrorKind::unreachable : ApiErrorKind::forbidden)}});
        std::future<void> again = transport.done();
        Recorder handler;
        ReflectorTiming timing;
        timing.backoff_base = timing.backoff_limit = std::chrono::hours(1);
        Reflector<Service> reflector(transport, handler, timing, [] { return 0.5; });
        reflector.start();
        bool tried = false;
        for (int i = 0; i < (server ? 1000 : 20) && !tried; ++i) {
            reflector.nudge();
            tried = again.wait_for(Milliseconds(10)) == std::future_status::ready;
        }
        EXPECT_EQ(tried, server);
    }
}

TEST(Reflector, StopEndsABlockedReadAtOnce) {
    const Outcome outcome = play({
        {.request = "limit=", .body = page("10", "", {"a"})},
    });
    EXPECT_EQ(outcome.story, "begin +a end");
}

}  // namespace
}  // namespace steelyard::kube
