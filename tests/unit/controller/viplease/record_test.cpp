#include "controller/viplease/record.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace steelyard::viplease {
namespace {

using nlohmann::json;

Record full() {
    Record record;
    record.router_id = 17;
    record.lease = {"node-1", Milliseconds{5000}, "2026-11-22T03:00:00.000000Z", "2026-11-22T03:00:01.000000Z", 4, "77",
                    ""};
    record.priority = 213;
    record.instance = "af01";
    record.claim = 123;
    record.wish = {"node-2", 240, "2026-11-22T03:00:02.000000Z"};
    return record;
}

TEST(VipLeaseRecord, IsANamedLeaseWithItsLabelAndComesBack) {
    const json object = json::parse(encode_record(full(), "ns"));
    EXPECT_EQ(object["metadata"]["name"], "steelyard-vip-17");
    EXPECT_EQ(object["metadata"]["namespace"], "ns");
    EXPECT_EQ(object["metadata"]["labels"]["steelyard.dev/virtual-router-id"], "17");
    EXPECT_EQ(object["metadata"]["annotations"]["steelyard.dev/priority"], "213");
    EXPECT_EQ(object["metadata"]["annotations"]["steelyard.dev/wanted-by"], "node-2");
    EXPECT_EQ(object["spec"]["leaseDurationSeconds"], 5);
    const auto back = decode_record(object.dump());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->router_id, 17);
    EXPECT_TRUE(back->lease.same_record(full().lease));
    EXPECT_EQ(back->lease.resource_version, "77");
    EXPECT_EQ(back->priority, 213);
    EXPECT_EQ(back->instance, "af01");
    EXPECT_EQ(back->claim, 123u);
    EXPECT_EQ(back->wish, full().wish);
}

TEST(VipLeaseRecord, WhatIsOverIsTakenOutAndWhatOthersWroteStays) {
    json object = json::parse(encode_record(full(), "ns"));
    object["metadata"]["annotations"]["example.com/note"] = "by hand";
    object["metadata"]["labels"]["team"] = "net";
    auto record = *decode_record(object.dump());
    record.wish = {};
    record.instance.clear();
    record.priority = 0;
    const json again = json::parse(encode_record(record, "ns"));
    EXPECT_EQ(again["metadata"]["annotations"], (json{{"example.com/note", "by hand"}}));
    EXPECT_EQ(again["metadata"]["labels"]["team"], "net");
}

TEST(VipLeaseRecord, ReadsWhatPeopleWriteByHand) {
    const auto bare = decode_record(R"({"kind":"Lease","metadata":{"name":"steelyard-vip-1"}})");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->lease.holder, "");
    const auto odd = decode_record(
        R"({"kind":"Lease","metadata":{"name":"steelyard-vip-1","annotations":{"steelyard.dev/priority":"1000",
            "steelyard.dev/wanted-priority":7}},"spec":{"holderIdentity":5}})");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->priority, 0);
    for (const char* wrong : {"", "[]", "{}", R"({"kind":"Lease","metadata":{"name":"steelyard-vip-0"}})",
                              R"({"kind":"Lease","metadata":{"name":"steelyard-vip-256"}})",
                              R"({"kind":"Lease","metadata":{"name":"steelyard-vip-07"}})",
                              R"({"kind":"Lease","metadata":{"name":"steelyard-controller"}})"}) {
        EXPECT_FALSE(decode_record(wrong)) << wrong;
    }
}

TEST(VipLeaseRecord, WhatNestsTooDeepIsRefused) {
    const std::string deep =
        R"({"metadata":{"name":"steelyard-vip-1","x":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}}";
    EXPECT_FALSE(decode_record(deep));
    EXPECT_FALSE(decode_records(R"({"items":[)" + deep + "]}"));
    EXPECT_FALSE(decode_event(R"({"type":"ADDED","object":)" + deep + "}"));
}

TEST(VipLeaseRecord, ListsAndEventsHoldWhatIsOurs) {
    const auto list = decode_records(
        R"({"kind":"LeaseList","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"steelyard-vip-3"}},
            {"metadata":{"name":"mine"}},7]})");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->resource_version, "9");
    ASSERT_EQ(list->records.size(), 1u);
    EXPECT_EQ(list->records[0].router_id, 3);
    EXPECT_FALSE(decode_records("{}"));
    using Type = RecordEvent::Type;
    EXPECT_EQ(decode_event(R"({"type":"ADDED","object":{"metadata":{"name":"steelyard-vip-3"}}})")->type,
              Type::changed);
    EXPECT_EQ(decode_event(R"({"type":"DELETED","object":{"metadata":{"name":"steelyard-vip-3"}}})")->type,
              Type::deleted);
    EXPECT_EQ(decode_event(R"({"type":"MODIFIED","object":{"metadata":{"name":"mine"}}})")->type, Type::other);
    EXPECT_EQ(decode_event(R"({"type":"BOOKMARK","object":{}})")->type, Type::other);
    const auto error = decode_event(R"({"type":"ERROR","object":{"code":410,"message":"too old"}})");
    EXPECT_EQ(error->type, Type::error);
    EXPECT_EQ(error->error_code, 410);
    EXPECT_FALSE(decode_event("x"));
}

}  // namespace
}  // namespace steelyard::viplease
