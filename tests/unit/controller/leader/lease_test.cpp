#include "controller/leader/lease.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace steelyard::leader {
namespace {

using nlohmann::json;

TEST(Lease, WhatWeDoNotKnowOfItStaysAsItIs) {
    auto lease = decode_lease(R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1",
        "metadata":{"name":"l","namespace":"n","resourceVersion":"7","labels":{"app":"x"},"uid":"u"},
        "spec":{"holderIdentity":"a","leaseDurationSeconds":15,"leaseTransitions":3,"strategy":"OldestEmulationVersion",
                "acquireTime":"2026-01-01T00:00:00.000000Z","renewTime":"2026-01-01T00:00:02.000000Z"}})");
    ASSERT_TRUE(lease) << lease.error().to_string();
    EXPECT_EQ(lease->holder, "a");
    EXPECT_EQ(lease->duration, std::chrono::seconds(15));
    EXPECT_EQ(lease->transitions, 3);
    EXPECT_EQ(lease->resource_version, "7");
    lease->holder = "b";
    const json written = json::parse(encode_lease(*lease, "n", "l"));
    EXPECT_EQ(written["metadata"]["labels"]["app"], "x");
    EXPECT_EQ(written["metadata"]["resourceVersion"], "7");
    EXPECT_EQ(written["spec"]["strategy"], "OldestEmulationVersion");
    EXPECT_EQ(written["spec"]["holderIdentity"], "b");
    EXPECT_EQ(written["spec"]["leaseDurationSeconds"], 15);
}

TEST(Lease, OneWithoutASpecIsHeldByNobody) {
    auto lease = decode_lease(R"({"kind":"Lease","metadata":{"name":"l","resourceVersion":"1"}})");
    ASSERT_TRUE(lease) << lease.error().to_string();
    EXPECT_EQ(lease->holder, "");
    EXPECT_EQ(lease->duration, Milliseconds(0));
}

TEST(Lease, WhatIsNoLeaseIsAnErrorAndOddFieldsAreAbsent) {
    for (const char* text : {"", "[]", "null", "{}", R"({"kind":"Status"})", "{\"kind\":\"Lease\"", "\xff"})
        EXPECT_FALSE(decode_lease(text)) << text;
    auto odd = decode_lease(R"({"kind":"Lease","metadata":[],"spec":{"holderIdentity":5,"leaseDurationSeconds":-9e99,
        "leaseTransitions":"x"}})");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->holder, "");
    EXPECT_EQ(decode_lease(R"({"kind":"Lease","spec":{"leaseDurationSeconds":-5}})")->duration, Milliseconds(0));
}

TEST(Lease, NeitherDepthNorAHugeCountIsTakenIn) {
    const std::string deep =
        R"({"kind":"Lease","metadata":{"annotations":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}}";
    EXPECT_FALSE(decode_lease(deep));
    EXPECT_FALSE(decode_lease_event(R"({"type":"MODIFIED","object":)" + deep + "}"));
    const auto many = decode_lease(R"({"kind":"Lease","spec":{"leaseTransitions":9223372036854775807}})");
    ASSERT_TRUE(many);
    EXPECT_EQ(many->transitions + 1, 2'147'483'647) << "the API has an int32, and one more is to be written";
    EXPECT_EQ(decode_lease(R"({"kind":"Lease","spec":{"leaseTransitions":-1}})")->transitions, 0);
}

TEST(Lease, EventsOfAWatchAreTold) {
    auto changed = decode_lease_event(R"({"type":"MODIFIED","object":{"spec":{"holderIdentity":"b"}}})");
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->type, LeaseEvent::Type::changed);
    EXPECT_EQ(changed->lease.holder, "b");
    EXPECT_EQ(decode_lease_event(R"({"type":"DELETED","object":{}})")->type, LeaseEvent::Type::deleted);
    EXPECT_EQ(decode_lease_event(R"({"type":"BOOKMARK"})")->type, LeaseEvent::Type::bookmark);
    auto error = decode_lease_event(R"({"type":"ERROR","object":{"code":410,"message":"too old"}})");
    ASSERT_TRUE(error);
    EXPECT_EQ(error->type, LeaseEvent::Type::error);
    EXPECT_EQ(error->error_code, 410);
    EXPECT_EQ(error->error_message, "too old");
    EXPECT_FALSE(decode_lease_event("nonsense"));
}

}  // namespace
}  // namespace steelyard::leader
