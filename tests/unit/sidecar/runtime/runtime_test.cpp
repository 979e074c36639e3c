// From configuration to listeners and hosts that serve, with real workers.
#include "sidecar/runtime/runtime.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sidecar/exchange/backend.hpp"
#include "tests/unit/sidecar/exchange/socket.hpp"

namespace steelyard::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string kUpstream = "shop/web:http";

config::Upstream upstream(std::vector<std::string> aliases = {}) {
    config::Upstream result;
    result.name = kUpstream;
    result.protocol = config::Protocol::http;
    result.policy.drain_timeout_ms = 100;
    result.aliases = std::move(aliases);
    return result;
}

config::EndpointSlice endpoints(std::initializer_list<const Backend*> backends) {
    config::EndpointSlice slice{kUpstream, "web-1", {}};
    for (const auto* backend : backends) slice.endpoints.push_back({"127.0.0.1", backend->port(), 1, "", "", {}});
    return slice;
}

config::Listener listener(std::string name, uint16_t port) {
    return {std::move(name), "127.0.0.1", port, config::Protocol::http, kUpstream};
}

Backend::Script answer(std::string text) {
    return serve([text = std::move(text)](const Message&) { return ok(text); });
}

class RuntimeTest : public ::testing::Test {
protected:
    void start(std::vector<DeclaredListener> declared, uint32_t workers = 1) {
        Runtime::Options options;
        options.workers = workers;
        options.place = place_;
        options.listeners = std::move(declared);
        runtime_ = std::make_unique<Runtime>(options, state_);
        runtime_->on_upstream([this](const std::string& name, const std::shared_ptr<const UpstreamSnapshot>& snapshot) {
            told_.push_back(name + (snapshot ? "=" + std::to_string(snapshot->hosts.size()) : " gone"));
        });
        const auto started = runtime_->start();
        ASSERT_TRUE(started) << started.error().to_string();
    }
    void apply(std::vector<config::Resource> all) {
        auto outcome = state_.apply(push::Snapshot{"e." + std::to_string(++version_), std::move(all)});
        ASSERT_TRUE(outcome.applied) << outcome.problems.first().to_string();
        runtime_->apply(outcome.changes);
    }
    uint16_t port(const std::string& name = "local") { return runtime_->listeners().at(name).port; }
    // Polled: workers learn of a change soon, not at once.
    static bool serves(uint16_t port, const std::string& body) {
        return eventually([&] {
            Socket one = Socket::connect(port);
            return one.fd() >= 0 && one.request(kGet).body == body;
        });
    }

    config::ConfigState state_;
    std::unique_ptr<Runtime> runtime_;
    std::vector<std::string> told_;
    Place place_;
    int version_ = 0;
};

TEST_F(RuntimeTest, ADeclaredListenerAnswers503UntilItsUpstreamIsKnownAndAgainWhenItIsGone) {
    start({{"local", "127.0.0.1", 0, kUpstream}});
    EXPECT_FALSE(runtime_->all_resolved());
    Socket one = Socket::connect(port());
    EXPECT_EQ(one.request(kGet).status(), 503);
    Backend web(answer("web"));
    apply({upstream(), endpoints({&web})});
    EXPECT_TRUE(runtime_->all_resolved());
    EXPECT_TRUE(eventually([&] { return one.request(kGet).body == "web"; }))
        << "on the connection that was there before";
    apply({});
    EXPECT_TRUE(eventually([&] { return one.request(kGet).status() == 503; }));
    EXPECT_FALSE(runtime_->all_resolved());
    EXPECT_EQ(told_, (std::vector<std::string>{kUpstream + "=1", kUpstream + " gone"}));
}

TEST_F(RuntimeTest, AListenerFindsItsUpstreamByAnAlias) {
    Backend web(answer("web"));
    start({{"local", "127.0.0.1", 0, "shop/web:80"}});
    apply({upstream({"shop/web:80"}), endpoints({&web})});
    EXPECT_TRUE(serves(port(), "web"));
    apply({upstream(), endpoints({&web})});
    EXPECT_FALSE(runtime_->all_resolved());
}

TEST_F(RuntimeTest, UpstreamsThatNoListenerUsesAreNotBuilt) {
    Backend web(answer("web"));
    start({{"local", "127.0.0.1", 0, "shop/other:http"}});
    apply({upstream(), endpoints({&web})});
    EXPECT_TRUE(runtime_->upstreams().empty());
    EXPECT_TRUE(told_.empty());
}

TEST_F(RuntimeTest, APushedListenerComesMovesAndGoes) {
    Backend web(answer("web"));
    start({});
    const uint16_t first = refused_port();
    const uint16_t second = refused_port();
    apply({upstream(), endpoints({&web}), listener("front", first)});
    EXPECT_TRUE(serves(first, "web"));
    apply({upstream(), endpoints({&web}), listener("front", second)});
    EXPECT_TRUE(serves(second, "web"));
    EXPECT_TRUE(eventually([&] { return Socket::connect(first).fd() < 0; }));
    apply({upstream(), endpoints({&web})});
    EXPECT_TRUE(eventually([&] { return Socket::connect(second).fd() < 0; }));
    EXPECT_TRUE(runtime_->upstreams().empty());
}

TEST_F(RuntimeTest, AListenerWhosePortAnotherHasIsLeftOutUntilThatIsGone) {
    Backend web(answer("web"));
    start({});
    const uint16_t shared = refused_port();
    auto second = listener("second", shared);
    second.address = "0.0.0.0";
    apply({upstream(), endpoints({&web}), listener("first", shared), second});
    EXPECT_EQ(runtime_->listener_failures(), 1U) << "the kernel would share connections out between the two";
    EXPECT_FALSE(runtime_->listeners().contains("second"));
    EXPECT_TRUE(serves(shared, "web"));
    apply({upstream(), endpoints({&web}), second});
    EXPECT_TRUE(runtime_->listeners().contains("second"));
    EXPECT_TRUE(serves(shared, "web"));
}

TEST_F(RuntimeTest, AnAddressThatIsNotThereIsAnErrorAtStartAndWaitedForWhenItIsPushed) {
    Runtime::Options options;
    options.listeners = {{"local", "192.0.2.1", 80, kUpstream}};
    Runtime refused(options, state_);
    const auto started = refused.start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().to_string().find("192.0.2.1:80"), std::string::npos) << started.error().to_string();

    Backend web(answer("web"));
    start({{"local", "127.0.0.1", 0, kUpstream}});
    auto early = listener("early", 18'080);
    early.address = "192.0.2.1";
    auto early_udp = early;
    early_udp.protocol = config::Protocol::udp;
    early_udp.name = "early-udp";
    apply({upstream(), endpoints({&web}), early, early_udp});
    EXPECT_EQ(runtime_->listener_failures(), 0U);
    EXPECT_TRUE(runtime_->listeners().contains("early"));
    EXPECT_TRUE(runtime_->listeners().contains("early-udp"));
    EXPECT_TRUE(serves(port(), "web"));
}

TEST_F(RuntimeTest, AListenerWhosePortAnotherProcessHasIsTriedAgain) {
    Backend web(answer("web"));
    Backend other(answer("other"));  // its socket does not share its port
    start({});
    apply({upstream(), endpoints({&web}), listener("front", other.port()), listener("fine", refused_port())});
    EXPECT_EQ(runtime_->listener_failures(), 1U);
    ASSERT_TRUE(runtime_->failed_listeners().contains("front"));
    EXPECT_NE(runtime_->failed_listeners().at("front").problem.find("in use"), std::string::npos);
    EXPECT_TRUE(serves(port("fine"), "web")) << "the others go on";
    EXPECT_FALSE(runtime_->retry_failed());
    EXPECT_EQ(runtime_->listener_failures(), 1U) << "the same again is not counted again";
    apply({upstream(), endpoints({&web}), listener("fine", port("fine"))});
    EXPECT_TRUE(runtime_->failed_listeners().empty());
}

TEST_F(RuntimeTest, AListenerServesWhomItsSourceRangesHave) {
    Backend web(answer("web"));
    start({});
    auto narrow = listener("narrow", refused_port());
    narrow.source_ranges = {"10.0.0.0/8", "127.0.0.2/32", "::/0"};
    auto wide = listener("wide", refused_port());
    wide.source_ranges = {"127.0.0.0/8"};
    apply({upstream(), endpoints({&web}), narrow, wide});
    EXPECT_TRUE(serves(port("wide"), "web"));
    Socket refused = Socket::connect(port("narrow"));
    EXPECT_NE(refused.request(kGet).body, "web");
    EXPECT_EQ(runtime_->workers()[0]->counters().refused_source.get(), 1U);
    narrow.source_ranges = {"127.0.0.1/32"};
    apply({upstream(), endpoints({&web}), narrow});
    EXPECT_TRUE(serves(port("narrow"), "web"));
}

TEST_F(RuntimeTest, ALocalListenerUsesOnlyEndpointsOfItsNode) {
    Backend here(answer("here"));
    Backend there(answer("there"));
    place_ = {"n1", "a"};
    start({});
    config::EndpointSlice slice{kUpstream, "web-1", {{"127.0.0.1", there.port(), 1, "a", "n2", {}}}};
    auto local = listener("local", refused_port());
    local.local_only = true;
    apply({upstream(), slice, local, listener("any", refused_port())});
    EXPECT_TRUE(serves(port("any"), "there"));
    EXPECT_TRUE(eventually([&] { return Socket::connect(port("local")).request(kGet).status() == 503; }));
    EXPECT_FALSE(runtime_->has_local_host(kUpstream));
    slice.endpoints.push_back({"127.0.0.1", here.port(), 1, "a", "n1", {}});
    apply({upstream(), slice, local, listener("any", port("any"))});
    EXPECT_TRUE(serves(port("local"), "here"));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(serves(port("local"), "here"));
    EXPECT_TRUE(runtime_->has_local_host(kUpstream));
    EXPECT_EQ(runtime_->upstreams().size(), 1U) << "one upstream, used in two ways";
    EXPECT_EQ(runtime_->upstreams().at(kUpstream)->hosts.size(), 2U) << "health is checked of all";
}

TEST_F(RuntimeTest, AListenerOfTcpRelaysAlsoToAnUpstreamOfHttp) {
    Backend web(answer("web"));
    start({});
    auto plain = listener("plain", refused_port());
    plain.protocol = config::Protocol::tcp;
    apply({upstream(), endpoints({&web}), plain});
    EXPECT_TRUE(serves(port("plain"), "web"));
    EXPECT_NE(runtime_->upstreams().at(kUpstream)->stats->sum([](auto& c) -> auto& { return c.sessions; }), 0U);
}

TEST_F(RuntimeTest, WhatIsUnderWayOnARemovedEndpointIsCutAfterTheDrainTimeOut) {
    Backend silent([](Peer& peer) {
        peer.next();
        peer.wait_end();
    });
    Backend web(answer("web"));
    start({{"local", "127.0.0.1", 0, kUpstream}});
    apply({upstream(), endpoints({&silent})});
    Socket one = Socket::connect(port());
    ASSERT_TRUE(one.send(kGet));
    ASSERT_TRUE(eventually([&] { return silent.requests() == 1; }));
    apply({upstream(), endpoints({&web})});
    EXPECT_EQ(one.read_response().status(), 504);
    EXPECT_TRUE(serves(port(), "web"));
    apply({upstream(), endpoints({&web, &silent})});
    for (const auto& host : runtime_->upstreams().at(kUpstream)->hosts) {
        EXPECT_EQ(host.host->cut_after_ms, 0) << "who comes back is not cut";
    }
}

TEST_F(RuntimeTest, AnEndpointThatComesLaterWarmsUpAndOneThatIsThereFirstDoesNot) {
    auto slow = upstream();
    slow.policy.slow_start.emplace();
    const auto slice = [](std::vector<std::string> addresses) {
        config::EndpointSlice made{kUpstream, "web-1", {}};
        for (auto& address : addresses) made.endpoints.push_back({std::move(address), 80, 1, "", "", {}});
        return made;
    };
    start({{"local", "127.0.0.1", 0, kUpstream}});
    apply({slow, slice({"10.0.0.1", "10.0.0.2"})});
    apply({slow, slice({"10.0.0.1", "10.0.0.3"})});
    for (const auto& host : runtime_->upstreams().at(kUpstream)->hosts) {
        EXPECT_EQ(host.host->warm_since_ms != 0, host.host->id() == "10.0.0.3:80") << host.host->id();
    }
    EXPECT_NE(runtime_->upstreams().at(kUpstream)->warming_until_ms, 0);
}

TEST_F(RuntimeTest, TheZoneIsLearnedFromAnEndpointOnTheNodeAndGivenIsGiven) {
    auto local = upstream();
    local.policy.locality.mode = config::Locality::Mode::same_zone;
    config::EndpointSlice slice{kUpstream, "web-1", {}};
    slice.endpoints.push_back({"10.0.0.1", 80, 1, "a", "n1", {}});
    slice.endpoints.push_back({"10.0.0.2", 80, 1, "b", "n2", {}});
    auto other = upstream();
    other.name = "shop/other:http";
    const config::EndpointSlice on_node{"shop/other:http", "other-1", {{"10.0.0.3", 80, 1, "b", "n9", {}}}};
    const auto distance = [&](size_t i) { return runtime_->upstreams().at(kUpstream)->hosts[i].distance; };

    place_.node = "n9";
    start({{"local", "127.0.0.1", 0, kUpstream}});
    apply({local, slice});
    EXPECT_EQ(runtime_->place().zone, "");
    EXPECT_EQ(distance(1), Distance::elsewhere);
    apply({local, slice, other, on_node});  // an upstream that this proxy does not serve says it as well
    EXPECT_EQ(runtime_->place().zone, "b");
    EXPECT_EQ(distance(0), Distance::elsewhere);
    EXPECT_EQ(distance(1), Distance::same_zone);
    EXPECT_EQ(runtime_->upstreams().at(kUpstream)->tiers.at(0).circles.size(), 2U);

    place_ = {"n1", "c"};
    start({{"local", "127.0.0.1", 0, kUpstream}});
    runtime_->apply(state_.everything());
    EXPECT_EQ(runtime_->place().zone, "c");
    EXPECT_EQ(distance(0), Distance::same_node);
}

TEST_F(RuntimeTest, SeveralWorkersShareAListener) {
    Backend web(answer("web"));
    start({{"local", "127.0.0.1", 0, kUpstream}}, 3);
    apply({upstream(), endpoints({&web})});
    std::vector<Socket> clients;
    EXPECT_TRUE(eventually([&] {
        clients.push_back(Socket::connect(port()));
        EXPECT_NE(clients.back().request(kGet).status(), 0);
        for (const auto& worker : runtime_->workers()) {
            if (worker->counters().accepted.get() == 0) return false;
        }
        return true;
    }));
    EXPECT_EQ(runtime_->sessions(), clients.size());
    runtime_->abort();
    EXPECT_TRUE(eventually([&] { return runtime_->sessions() == 0; }));
}

}  // namespace
}  // namespace steelyard::test
