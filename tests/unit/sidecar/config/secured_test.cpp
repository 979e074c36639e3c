// Both ends over TLS in one process: who is let in and when, what happens while the authenticator thinks, and what it costs.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "common/net/asio.hpp"
#include "common/tls/pki.hpp"
#include "controller/push/server.hpp"
#include "sidecar/config/client.hpp"

namespace steelyard {
namespace {

using namespace std::chrono_literals;
using config::ClientOptions;
using config::ConfigClient;
using config::EndpointSlice;
using config::Upstream;

int64_t now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// Keeps everybody waiting until told to answer.
class Thinker final : public push::Authenticator {
public:
    void authenticate(const push::Peer& peer, std::function<void(push::Verdict)> done) override {
        shown.push_back(peer.authorization);
        waiting.push_back(std::move(done));
        if (answer) reply(*answer);
    }
    void reply(const push::Verdict& verdict) {
        for (const auto& done : std::exchange(waiting, {})) done(verdict);
    }
    std::optional<push::Verdict> answer;
    std::vector<std::string> shown;
    std::vector<std::function<void(push::Verdict)>> waiting;
};

push::Identity shop_web(int64_t expires = 0) {
    push::Identity identity;
    identity.ns = "shop";
    identity.service_account = "web";
    identity.expires = expires;
    return identity;
}

class Secured : public testing::Test {
protected:
    Secured() { EXPECT_TRUE(identity_->set(leaf_.certificate_pem, leaf_.key_pem)); }
    ~Secured() override {
        clients_.clear();
        if (server_) server_->stop();
        io_.restart();
        io_.run_for(50ms);
    }
    template <class P>
    testing::AssertionResult soon(P predicate, Milliseconds within = 8000ms) {
        const auto until = Clock::now() + within;
        while (!predicate()) {
            if (Clock::now() > until) return testing::AssertionFailure() << "it did not come about";
            io_.restart();
            io_.run_one_for(5ms);
        }
        return testing::AssertionSuccess();
    }
    void start(push::ServerOptions options = {}) {
        options.address = "127.0.0.1";
        options.port = 0;
        options.tls = identity_;
        options.authenticator = thinker_;
        server_ = std::make_unique<push::PushServer>(io_, options, cache_);
        ASSERT_TRUE(server_->start());
        server_->set_ready();
    }
    ConfigClient& client(const std::string& name = "p") {
        ClientOptions options;
        options.url = {"127.0.0.1", server_->port(), "/push", true};
        options.ca_pem = ca_.certificate_pem;
        options.name = name;
        options.wants = {"*"};
        options.backoff_base = 20ms;
        options.backoff_cap = 50ms;
        states_.push_back(std::make_unique<config::ConfigState>());
        clients_.push_back(std::make_unique<ConfigClient>(io_, options, *states_.back(), [](const auto&) {}));
        clients_.back()->start();
        return *clients_.back();
    }
    uint64_t refused(const std::string& reason) {
        const auto stats = server_->stats();
        const auto it = stats.refused.find(reason);
        return it == stats.refused.end() ? 0 : it->second;
    }
    void publish(uint16_t port) {
        server_->publish({{Upstream{"shop/web:http", config::Protocol::http, {}, {}},
                           EndpointSlice{"shop/web:http", "1", {{"10.0.0.1", port, 1, "", "", {}}}}},
                          {}});
    }

    asio::io_context io_;
    push::PushCache cache_{"e1"};
    tls::KeyPair ca_ = *tls::make_ca("ca", {now() - 60, now() + 3600});
    tls::KeyPair leaf_ = *tls::issue(ca_, {"127.0.0.1"}, {now() - 60, now() + 3600});
    std::shared_ptr<tls::ServerIdentity> identity_ = std::make_shared<tls::ServerIdentity>();
    std::shared_ptr<Thinker> thinker_ = std::make_shared<Thinker>();
    std::unique_ptr<push::PushServer> server_;
    std::vector<std::unique_ptr<config::ConfigState>> states_;
    std::vector<std::unique_ptr<ConfigClient>> clients_;
};

TEST_F(Secured, NothingIsSaidBeforeTheVerdict) {
    start();
    auto& one = client();
    ASSERT_TRUE(soon([&] { return thinker_->waiting.size() == 1; }));
    EXPECT_EQ(server_->stats().unauthenticated, 1u);
    EXPECT_FALSE(one.stats().connected);
    thinker_->reply(shop_web());
    ASSERT_TRUE(soon([&] { return one.stats().in_sync; }));
    EXPECT_EQ(server_->stats().unauthenticated, 0u);
    EXPECT_EQ(server_->stats().proxies.at(0).ns, "shop");
}

TEST_F(Secured, ARefusalIsAnHttpStatusAndTheProxySaysIt) {
    start();
    auto& one = client();
    const std::pair<const char*, const char*> cases[] = {
        {"unauthorized", "HTTP 401"}, {"forbidden", "HTTP 403"}, {"unavailable", "HTTP 503"}};
    for (const auto& [code, said] : cases) {
        thinker_->answer = push::Refusal{code, "a secret reason"};
        thinker_->reply(*thinker_->answer);
        ASSERT_TRUE(soon([&] { return one.stats().last_error.find(said) != std::string::npos; })) << code;
        EXPECT_GE(refused(code), 1u);
        EXPECT_EQ(one.stats().last_error.find("secret"), std::string::npos);
    }
}

TEST_F(Secured, WhoDoesNotWaitForTheVerdictIsForgotten) {
    push::ServerOptions options;
    options.verdict_timeout = 100ms;
    start(options);
    auto& one = client();
    ASSERT_TRUE(soon([&] { return thinker_->waiting.size() == 1; }));
    auto late = std::exchange(thinker_->waiting, {});
    ASSERT_TRUE(soon([&] { return refused("unavailable") >= 1; })) << "the authenticator took too long";
    one.stop();
    ASSERT_TRUE(soon([&] { return server_->stats().connections == 0; }));
    for (const auto& done : late) done(shop_web());
    thinker_->reply(shop_web());
    io_.restart();
    io_.run_for(50ms);
    EXPECT_EQ(server_->stats().unauthenticated, 0u);
    EXPECT_EQ(server_->stats().sessions, 0u);
}

TEST_F(Secured, StoppingDoesNotWaitForVerdicts) {
    start();
    client();
    ASSERT_TRUE(soon([&] { return thinker_->waiting.size() == 1; }));
    clients_[0]->stop();
    server_->stop();
    ASSERT_TRUE(soon([&] { return server_->stats().connections == 0; }));
    thinker_->reply(shop_web());
}

TEST_F(Secured, ASessionEndsWithItsTokenAndResumesWithTheNext) {
    start();
    publish(1);
    thinker_->answer = shop_web(now() + 2);
    auto& one = client();
    ASSERT_TRUE(soon([&] { return one.stats().in_sync; }));
    EXPECT_EQ(one.stats().snapshots, 1u);
    thinker_->answer = shop_web(now() + 3600);
    ASSERT_TRUE(soon([&] { return one.stats().connects == 2 && one.stats().in_sync; }));
    EXPECT_EQ(refused("expired"), 1u);
    EXPECT_EQ(one.stats().snapshots, 1u) << "what it has is resumed";
}

TEST_F(Secured, ANextCaIsLearnedBeforeItIsUsed) {
    start();
    thinker_->answer = shop_web(now() + 2);
    auto& one = client();
    ASSERT_TRUE(soon([&] { return one.stats().in_sync; }));
    thinker_->answer = shop_web();
    const auto next = *tls::make_ca("next", {now() - 60, now() + 3600});
    server_->set_trust(tls::join({ca_.certificate_pem, next.certificate_pem}));
    ASSERT_TRUE(soon([&] { return one.stats().trust_updates == 1; }));
    const auto leaf = *tls::issue(next, {"127.0.0.1"}, {now() - 60, now() + 3600});
    ASSERT_TRUE(identity_->set(leaf.certificate_pem, leaf.key_pem));
    // Another proxy that knows the first CA only is lost; the one that has learned comes back.
    auto& other = client("q");
    ASSERT_TRUE(soon([&] { return other.stats().last_error.find("not trusted") != std::string::npos; }));
    ASSERT_TRUE(soon([&] { return one.stats().connects == 2 && one.stats().in_sync; }));
    EXPECT_GE(refused("tls"), 1u);
}

TEST_F(Secured, WithoutACertificateNobodyGetsIn) {
    identity_ = std::make_shared<tls::ServerIdentity>();
    start();
    thinker_->answer = shop_web();
    auto& one = client();
    ASSERT_TRUE(soon([&] { return refused("tls") >= 1; }));
    ASSERT_TRUE(identity_->set(leaf_.certificate_pem, leaf_.key_pem));
    ASSERT_TRUE(soon([&] { return one.stats().in_sync; }));
}

TEST_F(Secured, AChangeTakesMillisecondsAtMost) {
    start();
    thinker_->answer = shop_web();
    publish(1);
    auto& one = client();
    ASSERT_TRUE(soon([&] { return one.stats().in_sync; }));
    std::vector<double> ms;
    for (uint16_t port = 2; port < 202; ++port) {
        const auto began = Clock::now();
        publish(port);
        const uint64_t before = one.stats().deltas;
        ASSERT_TRUE(soon([&] { return one.stats().deltas > before; }));
        ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    }
    std::sort(ms.begin(), ms.end());
    std::printf("a change over TLS: p50 %.3f ms, p99 %.3f ms\n", ms[100], ms[197]);
    EXPECT_LT(ms[100], 50.0);
}

}  // namespace
}  // namespace steelyard
