#include "sidecar/cache/store.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/sidecar/cache/messages.hpp"

namespace steelyard::cache {
namespace {

constexpr char kFresh[] = "Cache-Control: max-age=60\r\n";

config::Cache limits(uint64_t bytes, uint64_t object) { return {.max_bytes = bytes, .max_object_bytes = object}; }

bool keep(Store& store, const Request& request, const std::string& body = "body", const std::string& fields = kFresh) {
    const auto found = store.find(request);
    return store.keep(request, stored(request, fields, body), found.generation);
}

std::string body_of(Store& store, const Request& request) {
    const auto found = store.find(request);
    return found.stored ? found.stored->body() : "";
}

TEST(Store, WhatIsKeptIsFoundUnderItsTarget) {
    Store store(limits(1 << 20, 1 << 16));
    EXPECT_TRUE(keep(store, asked("GET /a"), "one"));
    EXPECT_TRUE(keep(store, asked("GET /b"), "two"));
    EXPECT_EQ(body_of(store, asked("GET /a")), "one");
    EXPECT_EQ(body_of(store, asked("GET /b")), "two");
    EXPECT_EQ(body_of(store, asked("GET /c")), "");
    EXPECT_EQ(store.stats().objects, 2U);
}

TEST(Store, TheSameVariantIsReplacedAndOthersStay) {
    Store store(limits(1 << 20, 1 << 16));
    const std::string vary = std::string(kFresh) + "Vary: A\r\n";
    EXPECT_TRUE(keep(store, asked("GET /", "A: 1\r\n"), "one", vary));
    EXPECT_TRUE(keep(store, asked("GET /", "A: 2\r\n"), "two", vary));
    EXPECT_TRUE(keep(store, asked("GET /", "A: 1\r\n"), "new", vary));
    EXPECT_EQ(body_of(store, asked("GET /", "A: 1\r\n")), "new");
    EXPECT_EQ(body_of(store, asked("GET /", "A: 2\r\n")), "two");
    EXPECT_EQ(store.stats().objects, 2U);
    const auto other = store.find(asked("GET /", "A: 3\r\n"));
    EXPECT_FALSE(other.stored);
    EXPECT_TRUE(other.others);
    for (int i = 0; i < 100; ++i) keep(store, asked("GET /", "A: x" + std::to_string(i) + "\r\n"), "more", vary);
    EXPECT_EQ(store.stats().objects, Store::kMaxVariants);
    EXPECT_EQ(body_of(store, asked("GET /", "A: x99\r\n")), "more");
}

TEST(Store, WhatWasUsedLongestAgoGoesFirstAndTheBoundHolds) {
    Store store(limits(64 * 1024, 64 * 1024));  // one shard
    const std::string body(10'000, 'x');
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(keep(store, asked("GET /" + std::to_string(i)), body));
    EXPECT_EQ(body_of(store, asked("GET /0")), body);
    for (int i = 5; i < 7; ++i) EXPECT_TRUE(keep(store, asked("GET /" + std::to_string(i)), body));
    EXPECT_EQ(body_of(store, asked("GET /0")), body) << "used";
    EXPECT_EQ(body_of(store, asked("GET /1")), "") << "not used";
    EXPECT_LE(store.stats().bytes, 64U * 1024);
    EXPECT_EQ(store.stats().evictions, 7 - store.stats().objects);
    store.clear();
    EXPECT_EQ(store.stats().bytes, 0U);
}

TEST(Store, WhatIsTooLargeIsNotKept) {
    Store store(limits(1 << 20, 4096));
    EXPECT_FALSE(keep(store, asked("GET /"), std::string(4096, 'x')));
    EXPECT_TRUE(keep(store, asked("GET /"), std::string(3000, 'x')));
}

TEST(Store, AnAnswerFromBeforeAnInvalidationIsNotKept) {
    Store store(limits(64 * 1024, 4096));
    const Request request = asked("GET /");
    EXPECT_TRUE(keep(store, request, "old"));
    const auto found = store.find(request);
    store.invalidate(request.key());
    EXPECT_EQ(body_of(store, request), "");
    EXPECT_EQ(store.stats().bytes, 0U);
    EXPECT_FALSE(store.keep(request, stored(request, kFresh, "old"), found.generation));
    EXPECT_TRUE(keep(store, request, "new"));
    EXPECT_EQ(found.stored->body(), "old") << "who sends it can go on";
}

TEST(Store, ManyThreadsAtOnceNeitherLoseTheBoundNorMixAnswersUp) {
    Store store(limits(256 * 1024, 4096));
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::vector<Request> requests;
            http::RequestHead head;
            for (int i = 0; i < 50; ++i) {
                const std::string text = "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
                uint32_t scanned = 0;
                http::parse_request(text, scanned, {}, head);
                requests.emplace_back().read(head, {});
            }
            const std::string answer = "HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nContent-Length: 1\r\n\r\n";
            http::ResponseHead response;
            uint32_t scanned = 0;
            http::parse_response(answer, scanned, {}, http::Method::get, response);
            for (int round = 0; round < 2000; ++round) {
                const size_t which = static_cast<size_t>(round * 7 + t) % requests.size();
                const std::string body = "body " + std::to_string(which) + std::string(2000, '.');
                const auto found = store.find(requests[which]);
                if (found.stored && found.stored->body() != body) ++wrong;
                if (!found.stored) {
                    store.keep(requests[which],
                               std::make_shared<const Stored>(
                                   requests[which], response,
                                   std::vector<http::Header>(response.headers.begin(), response.headers.end()),
                                   Stored::Times{kNow, kNow}, std::make_shared<const std::string>(body)),
                               found.generation);
                }
                if (round % 50 == 0) store.invalidate(requests[which].key());
                if (store.stats().bytes > 256 * 1024) ++wrong;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace steelyard::cache
