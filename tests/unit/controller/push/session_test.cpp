#include "controller/push/session.hpp"

#include <gtest/gtest.h>

#include "common/push/codec.hpp"

namespace steelyard::push {
namespace {

using config::EndpointSlice;
using config::Protocol;
using config::Upstream;
using std::chrono::milliseconds;

constexpr TimePoint t0{};

// A session and its proxy: says what it is told to, and notes what arrives.
class PushSessionTest : public ::testing::Test {
protected:
    PushSession session(bool ready = true, PushSession::Limits limits = {}) {
        return {cache_, limits, [this](const Hello&) { return refuse_; }, ready, t0};
    }
    void publish(uint16_t port, const char* upstream = "s/a:http") {
        cache_.publish({{EndpointSlice{upstream, "1", {{"10.0.0.1", port, 1, "", "", {}}}}}, {}});
    }
    static std::string hello(std::string version = "", std::string want = "s/a:http", int protocol = 1) {
        Hello hello;
        hello.protocol = protocol;
        hello.name = "web-0";
        hello.instance = "i1";
        hello.wants = {std::move(want)};
        hello.version = std::move(version);
        return encode(hello);
    }
    static std::string ack(std::string version) { return encode(Ack{std::move(version)}); }
    static std::string nack(std::string version, std::string where = "upsert[0].port") {
        return encode(Nack{std::move(version), {{std::move(where), "no"}}});
    }
    // "snapshot 1", "delta 1-2", "close CODE", "" for nothing.
    static std::string said(const PushSession::Action& action) {
        if (action.close) return "close " + action.close->code;
        if (!action.frame) return "";
        const auto decoded = decode_from_controller(*action.frame);
        const auto& message = std::get<FromController>(decoded);
        if (const auto* snapshot = std::get_if<Snapshot>(&message)) return "snapshot " + snapshot->version;
        const auto& delta = std::get<Delta>(message);
        return "delta " + delta.base + ">" + delta.version;
    }

    PushCache cache_{"e1"};
    std::optional<ErrorMessage> refuse_;
};

TEST_F(PushSessionTest, ANewProxyGetsASnapshotAndThenDeltasAgainstWhatItAcknowledged) {
    publish(1);
    auto s = session();
    EXPECT_EQ(said(s.on_message(hello(), t0)), "snapshot e1.1");
    EXPECT_TRUE(s.status().behind);
    EXPECT_EQ(said(s.on_message(ack("e1.1"), t0 + milliseconds(7))), "");
    EXPECT_FALSE(s.status().behind);
    EXPECT_EQ(s.status().last_ack_time, milliseconds(7));
    publish(2);
    EXPECT_EQ(said(s.on_change(t0)), "delta e1.1>e1.2");
    EXPECT_EQ(said(s.on_message(ack("e1.2"), t0)), "");
    EXPECT_EQ(s.status().acked, "e1.2");
}

TEST_F(PushSessionTest, OneFrameIsInFlightAndWhatHappensMeanwhileComesAtOnceAfterTheAck) {
    publish(1);
    auto s = session();
    s.on_message(hello(), t0);
    for (uint16_t port = 2; port <= 50; ++port) {
        publish(port);
        EXPECT_EQ(said(s.on_change(t0)), "");
    }
    EXPECT_EQ(said(s.on_message(ack("e1.1"), t0)), "delta e1.1>e1.50");
    EXPECT_EQ(said(s.on_message(ack("e1.50"), t0)), "");
}

TEST_F(PushSessionTest, AKnownVersionIsResumedAndAnUnknownOneIsNot) {
    publish(1);
    publish(2);
    auto behind = session();
    EXPECT_EQ(said(behind.on_message(hello("e1.1"), t0)), "delta e1.1>e1.2");
    auto current = session();
    EXPECT_EQ(said(current.on_message(hello("e1.2"), t0)), "delta e1.2>e1.2") << "empty: it is in sync";
    EXPECT_EQ(current.status().acked, "e1.2");
    auto foreign = session();
    EXPECT_EQ(said(foreign.on_message(hello("e0.2"), t0)), "snapshot e1.2");
    auto future = session();
    EXPECT_EQ(said(future.on_message(hello("e1.3"), t0)), "snapshot e1.2");
}

TEST_F(PushSessionTest, NothingIsSentForWhatTheProxyDoesNotWant) {
    publish(1);
    auto s = session();
    s.on_message(hello(), t0);
    s.on_message(ack("e1.1"), t0);
    publish(1, "s/other:http");
    EXPECT_EQ(said(s.on_change(t0)), "");
    EXPECT_FALSE(s.status().behind);
    publish(2);
    EXPECT_EQ(said(s.on_change(t0)), "delta e1.1>e1.3") << "its base is what it has, not what passed it by";
}

TEST_F(PushSessionTest, ANackIsRememberedAndNothingResentUntilSomethingNewerExists) {
    publish(1);
    auto s = session();
    s.on_message(hello(), t0);
    s.on_message(ack("e1.1"), t0);
    publish(2);
    s.on_change(t0);
    EXPECT_EQ(said(s.on_message(nack("e1.2"), t0)), "");
    EXPECT_EQ(s.status().nacks, 1u);
    EXPECT_EQ(s.status().nacked_version, "e1.2");
    EXPECT_EQ(s.status().nack_errors.at(0).where, "upsert[0].port");
    EXPECT_EQ(said(s.on_change(t0)), "");
    publish(9, "s/other:http");
    EXPECT_EQ(said(s.on_change(t0)), "") << "newer, but not for this proxy";
    EXPECT_TRUE(s.status().behind);
    publish(3);
    EXPECT_EQ(said(s.on_change(t0)), "delta e1.1>e1.4");
    s.on_message(ack("e1.4"), t0);
    EXPECT_EQ(s.status().nacked_version, "");
    EXPECT_FALSE(s.status().behind);
}

TEST_F(PushSessionTest, ARefusedSnapshotIsFollowedByANewerSnapshot) {
    publish(1);
    auto s = session();
    s.on_message(hello(), t0);
    EXPECT_EQ(said(s.on_message(nack("e1.1"), t0)), "");
    publish(2);
    EXPECT_EQ(said(s.on_change(t0)), "snapshot e1.2");
}

TEST_F(PushSessionTest, ANackOfTheBaseAsksForASnapshotOnce) {
    publish(1);
    auto s = session();
    s.on_message(hello(), t0);
    s.on_message(ack("e1.1"), t0);
    publish(2);
    s.on_change(t0);
    EXPECT_EQ(said(s.on_message(nack("e1.2", "base"), t0)), "snapshot e1.2");
    EXPECT_EQ(said(s.on_message(nack("e1.2", "base"), t0)), "") << "a snapshot has no base: no loop";
}

TEST_F(PushSessionTest, NothingIsSentBeforeTheInitialListsAreIn) {
    auto s = session(false);
    EXPECT_EQ(said(s.on_message(hello("e1.1"), t0)), "");
    publish(1);
    EXPECT_EQ(said(s.on_change(t0)), "");
    EXPECT_EQ(said(s.on_ready(t0)), "delta e1.1>e1.1") << "what it has is what there is";
    auto fresh = session(false);
    fresh.on_message(hello(), t0);
    EXPECT_EQ(said(fresh.on_ready(t0)), "snapshot e1.1");
    EXPECT_EQ(said(fresh.on_ready(t0)), "");
}

TEST_F(PushSessionTest, TimeIsLimitedForTheHelloAndForEachAck) {
    publish(1);
    auto silent = session();
    EXPECT_EQ(said(silent.on_tick(t0 + milliseconds(4999))), "");
    EXPECT_EQ(said(silent.on_tick(t0 + milliseconds(5000))), "close timeout");
    EXPECT_EQ(said(silent.on_message(hello(), t0)), "") << "closed is closed";
    auto slow = session();
    slow.on_message(hello(), t0);
    EXPECT_EQ(said(slow.on_tick(t0 + milliseconds(29999))), "");
    EXPECT_EQ(said(slow.on_tick(t0 + milliseconds(30000))), "close timeout");
}

TEST_F(PushSessionTest, WhatDoesNotFollowTheProtocolClosesTheSession) {
    publish(1);
    const std::pair<std::vector<std::string>, const char*> cases[] = {
        {{"garbage"}, "close bad_hello"},
        {{R"({"type":"hello","protocol":1})"}, "close bad_hello"},
        {{ack("e1.1")}, "close bad_hello"},
        {{hello("", "*", 2)}, "close unsupported_protocol"},
        {{hello(), hello()}, "close protocol"},
        {{hello(), "garbage"}, "close protocol"},
        {{hello(), ack("e1.7")}, "close protocol"},
        {{hello(), ack("e1.1"), ack("e1.1")}, "close protocol"},
        {{hello(), nack("e1.7")}, "close protocol"},
    };
    for (const auto& [messages, outcome] : cases) {
        auto s = session();
        std::string last;
        for (const auto& message : messages) last = said(s.on_message(message, t0));
        EXPECT_EQ(last, outcome) << messages.back();
    }
}

TEST_F(PushSessionTest, WhoIsRefusedIsToldWhyAndGetsNothing) {
    publish(1);
    refuse_ = ErrorMessage{"name_in_use", "another"};
    auto s = session();
    EXPECT_EQ(said(s.on_message(hello(), t0)), "close name_in_use");
    publish(2);
    EXPECT_EQ(said(s.on_change(t0)), "");
}

TEST_F(PushSessionTest, AFrameBeyondTheLimitIsNotSent) {
    publish(1);
    PushSession::Limits limits;
    limits.max_frame = 50;
    auto s = session(true, limits);
    EXPECT_EQ(said(s.on_message(hello(), t0)), "close too_large");
}

TEST_F(PushSessionTest, AReportIsKept) {
    publish(1);
    auto s = session();
    s.on_message(hello(), t0);
    EXPECT_EQ(said(s.on_message(encode(Report{{{"s/a:http", 1, 2}}}), t0)), "");
    EXPECT_EQ(s.status().report->upstreams.at(0).hosts, 2u);
}

class PushSessionClaimTest : public PushSessionTest {
protected:
    PushSession edge(std::string node = "node-1", Role role = Role::edge) {
        config::VirtualIp ours{"s/a", {"192.0.2.7"}, 17}, vrrp{"s/b", {"192.0.2.8"}, 18},
            elsewhere{"s/c", {"192.0.2.9"}, 19};
        ours.lease_duration_ms = elsewhere.lease_duration_ms = 5000;
        elsewhere.nodes = {"node-2"};
        cache_.publish({{ours, vrrp, elsewhere}, {}});
        auto s = session();
        Hello hello;
        hello.name = "e";
        hello.instance = "i1";
        hello.role = role;
        hello.node = std::move(node);
        hello.wants = {"*"};
        s.on_message(encode(hello), t0);
        return s;
    }
    static std::string claim(uint64_t id, std::vector<uint8_t> routers) {
        Claim claim{id, {}};
        for (const uint8_t router : routers) claim.leases.push_back({router, LeaseAction::hold, 200, {}});
        return encode(claim);
    }
    static Grant granted(const PushSession::Action& action) {
        if (!action.grant) return {};
        return std::get<Grant>(std::get<FromController>(decode_from_controller(*action.grant)));
    }
};

TEST_F(PushSessionClaimTest, WhatItMayHaveIsPassedOnAndTheRestIsAProblem) {
    auto s = edge();
    const auto asked = s.on_message(claim(1, {16, 17, 18, 19}), t0);
    ASSERT_TRUE(asked.claim && !asked.grant && !asked.close);
    EXPECT_EQ(asked.claim->node, "node-1");
    EXPECT_EQ(asked.claim->instance, "i1");
    ASSERT_EQ(asked.claim->parts.size(), 1u);
    EXPECT_EQ(asked.claim->parts[0].claim, (LeaseClaim{17, LeaseAction::hold, 200, {}}));
    EXPECT_EQ(asked.claim->parts[0].duration_ms, 5000u);
    EXPECT_FALSE(s.on_grants(2, {}).grant) << "of a claim that is not under way";
    const Grant grant = granted(s.on_grants(1, {{17, true, "node-1", 5000, {}, {}}}));
    EXPECT_EQ(grant.id, 1u);
    ASSERT_EQ(grant.leases.size(), 4u);
    EXPECT_TRUE(grant.leases[1].held);
    EXPECT_EQ(grant.leases[3].problem,
              "virtual router 19 is none that node node-1 may hold by a Lease, as far as this "
              "controller knows");
    EXPECT_FALSE(s.on_grants(1, {{17, true, "node-1", 5000, {}, {}}}).grant) << "once";
    const auto none = s.on_message(claim(2, {18}), t0);
    EXPECT_FALSE(none.claim);
    EXPECT_NE(granted(none).leases.at(0).problem, "");
}

TEST_F(PushSessionClaimTest, OneIsUnderWayTheNextWaitsAndAThirdTakesItsPlace) {
    auto s = edge();
    ASSERT_TRUE(s.on_message(claim(1, {17}), t0).claim);
    EXPECT_FALSE(s.on_message(claim(2, {17}), t0).claim);
    EXPECT_FALSE(s.on_message(claim(3, {17}), t0).claim);
    const auto next = s.on_grants(1, {{17, true, "node-1", 5000, {}, {}}});
    EXPECT_EQ(granted(next).id, 1u);
    ASSERT_TRUE(next.claim);
    EXPECT_EQ(next.claim->id, 3u);
    EXPECT_EQ(granted(s.on_grants(3, {{17, true, "node-1", 5000, {}, {}}})).id, 3u);
    EXPECT_EQ(said(s.on_message(claim(3, {17}), t0)), "close protocol");
}

TEST_F(PushSessionClaimTest, OnlyAnEdgeThatSaysItsNodeMayClaim) {
    auto sidecar = edge("node-1", Role::sidecar);
    EXPECT_EQ(said(sidecar.on_message(claim(1, {17}), t0)), "close forbidden");
    auto nowhere = edge("");
    EXPECT_EQ(granted(nowhere.on_message(claim(1, {17}), t0)).leases.at(0).problem,
              "the edge's hello names no node, and it is nodes that hold Leases");
    std::weak_ptr<const void> claimant;
    {
        auto s = edge();
        claimant = s.on_message(claim(1, {17}), t0).claim->claimant;
        EXPECT_FALSE(claimant.expired());
    }
    EXPECT_TRUE(claimant.expired());
}

}  // namespace
}  // namespace steelyard::push
