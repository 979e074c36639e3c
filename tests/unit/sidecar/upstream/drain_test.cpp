// Hosts that are about to go: nothing new, what is under way finishes, nothing idle stays open.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Drain = WorkerTest;
TEST_F(Drain, ADrainingHostGetsNothingNewAndItsIdleConnectionsAreClosed) {
    Backend going(serve([](const Message&) { return ok("going"); }));
    Backend staying(serve([](const Message&) { return ok("staying"); }));
    use({{.port = going.port()}, {.port = staying.port()}});
    Socket one = client();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(counters().idle_connections.get(), 2U);
    const int before = going.requests();
    use({{.port = going.port(), .draining = true}, {.port = staying.port()}});
    EXPECT_TRUE(eventually([&] { return going.open() == 0; }));
    EXPECT_EQ(counters().idle_connections.get(), 1U);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(one.request(kGet).body, "staying");
    EXPECT_EQ(going.requests(), before);
    EXPECT_EQ(staying.connections(), 1) << "the pool of a host that stays survives the change";
}

TEST_F(Drain, WhatIsUnderWayOnADrainingHostFinishes) {
    std::atomic<bool> go_on{false};
    Backend going([&](Peer& peer) {
        if (!peer.next()) return;
        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
        peer.send(ok("finished"));
        peer.wait_end();
    });
    Backend staying(serve([](const Message&) { return ok("staying"); }));
    use(going);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return going.requests() == 1; }));
    use({{.port = going.port(), .draining = true}, {.port = staying.port()}});
    EXPECT_EQ(host(going.port())->active.load(), 1U);
    go_on = true;
    EXPECT_EQ(one.read_response().body, "finished");
    EXPECT_TRUE(eventually([&] { return going.open() == 0; })) << "its connection does not go back to a pool";
    EXPECT_EQ(one.request(kGet).body, "staying");
}

TEST_F(Drain, WhatIsUnderWayOnARemovedHostFinishesToo) {
    std::atomic<bool> go_on{false};
    Backend gone([&](Peer& peer) {
        if (!peer.next()) return;
        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
        peer.send(ok("finished"));
        peer.wait_end();
    });
    Backend staying(serve([](const Message&) { return ok("staying"); }));
    use(gone);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return gone.requests() == 1; }));
    use(staying);
    go_on = true;
    EXPECT_EQ(one.read_response().body, "finished");
    EXPECT_TRUE(eventually([&] { return gone.open() == 0; }));
    EXPECT_EQ(one.request(kGet).body, "staying");
}

TEST_F(Drain, AfterTheDrainTimeOutALongRequestIsCut) {
    Backend silent([](Peer& peer) {
        peer.next();
        peer.wait_end();
    });
    Backend streaming([](Peer& peer) {
        if (peer.next()) peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc"));
        peer.wait_end();
    });
    use(silent);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return silent.requests() == 1; }));
    use(streaming);
    Socket two = client();
    ASSERT_TRUE(two.send(kGet));
    EXPECT_NE(two.read_until("abc\r\n"), "");
    use({{.port = silent.port(), .draining = true}, {.port = streaming.port(), .draining = true}});
    cut_after(silent, Milliseconds{100});
    cut_after(streaming, Milliseconds{100});
    EXPECT_EQ(one.read_response().status(), 504) << "the client is told while that is possible";
    EXPECT_EQ(two.wait_end(), Socket::End::reset);
    EXPECT_EQ(counters().drain_cuts.get(), 2U);
    EXPECT_TRUE(eventually([&] { return silent.open() == 0 && streaming.open() == 0; }));
}

TEST_F(Drain, WhenOnlyDrainingHostsAreLeftTheyServe) {
    Backend a(serve([](const Message&) { return ok("a"); }));
    Backend b(serve([](const Message&) { return ok("b"); }));
    use({{.port = a.port(), .draining = true}, {.port = b.port(), .draining = true}});
    Socket one = client();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(a.requests(), 5);
    EXPECT_EQ(b.requests(), 5);
    EXPECT_EQ(counters().idle_connections.get(), 0U);
}

TEST_F(Drain, WhatBeginsAfterTheDrainTimeOutForWantOfOtherHostsIsNotCut) {
    Backend slow([](Peer& peer) {
        while (peer.next()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(700));  // several sweeps
            peer.send(ok("served"));
        }
    });
    use({{.port = slow.port(), .draining = true}});
    cut_after(slow, Milliseconds{-1});
    EXPECT_EQ(client().request(kGet).body, "served");
}

TEST_F(Drain, ADrainingHostServesWhenTheReadyOnesRefuse) {
    Backend going(serve([](const Message&) { return ok("going"); }));
    use({{.port = refused_port()}, {.port = going.port(), .draining = true}});
    EXPECT_EQ(client().request(kGet).body, "going");
}

TEST_F(Drain, AHostThatComesBackIsUsedAgain) {
    Backend a(serve([](const Message&) { return ok("a"); }));
    Backend b(serve([](const Message&) { return ok("b"); }));
    use({{.port = a.port(), .draining = true}, {.port = b.port()}});
    Socket one = client();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(one.request(kGet).body, "b");
    use({{.port = a.port()}, {.port = b.port()}});
    for (int i = 0; i < 4; ++i) EXPECT_EQ(one.request(kGet).status(), 200);
    EXPECT_EQ(a.requests(), 2);
}

}  // namespace
}  // namespace steelyard::test
