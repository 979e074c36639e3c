// Both ends as machines, without sockets: whatever happens to the cache, every proxy that acknowledges ends up with
// exactly what it wants of it. Random histories, a fixed seed each.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "common/push/codec.hpp"
#include "controller/push/session.hpp"
#include "sidecar/config/state.hpp"

namespace steelyard {
namespace {

using config::ConfigState;
using config::EndpointSlice;
using config::Protocol;
using config::Upstream;
using push::PushCache;
using push::PushSession;

constexpr TimePoint t0{};

// A proxy that answers frames when told to, and now and then loses its connection or refuses a frame for no reason.
class ModelProxy {
public:
    ModelProxy(PushCache& cache, std::vector<std::string> wants) : cache_(cache), wants_(std::move(wants)) {
        connect();
    }

    void connect() {
        session_.emplace(
            cache_, PushSession::Limits{}, [](const push::Hello&) { return std::nullopt; }, true, t0);
        push::Hello hello;
        hello.name = hello.instance = "p";
        hello.wants = wants_;
        hello.version = state_.version();
        in_flight_.reset();
        take(session_->on_message(push::encode(hello), t0));
    }
    void changed() { take(session_->on_change(t0)); }
    // Answers the frame that is in flight; false if there is none.
    bool answer(bool refuse) {
        if (!in_flight_) return false;
        const push::Frame frame = std::exchange(in_flight_, nullptr);
        auto decoded = push::decode_from_controller(*frame);
        auto& message = std::get<push::FromController>(decoded);
        const bool snapshot = std::holds_alternative<push::Snapshot>(message);
        const std::string version =
            snapshot ? std::get<push::Snapshot>(message).version : std::get<push::Delta>(message).version;
        if (refuse) {
            take(session_->on_message(push::encode(push::Nack{version, {{"upsert[0]", "I will not"}}}), t0));
            return true;
        }
        const auto outcome = snapshot ? state_.apply(std::get<push::Snapshot>(std::move(message)))
                                      : state_.apply(std::get<push::Delta>(std::move(message)));
        EXPECT_TRUE(outcome.applied) << outcome.problems.first().to_string();
        take(session_->on_message(push::encode(push::Ack{version}), t0));
        return true;
    }
    const ConfigState& state() const { return state_; }
    const std::vector<std::string>& wants() const { return wants_; }

private:
    void take(PushSession::Action action) {
        EXPECT_FALSE(action.close) << action.close->problem;
        if (!action.frame) return;
        EXPECT_FALSE(in_flight_) << "two frames in flight";
        in_flight_ = std::move(action.frame);
    }

    PushCache& cache_;
    std::vector<std::string> wants_;
    ConfigState state_;
    std::optional<PushSession> session_;
    push::Frame in_flight_;
};

struct World {
    std::map<std::string, Upstream> upstreams;
    std::map<std::pair<std::string, std::string>, EndpointSlice> slices;

    bool wanted(const std::vector<std::string>& wants, const std::string& name) const {
        const std::set<std::string> all(wants.begin(), wants.end());
        if (all.count("*") != 0 || all.count(name) != 0) return true;
        const auto it = upstreams.find(name);
        if (it == upstreams.end()) return false;
        return std::any_of(it->second.aliases.begin(), it->second.aliases.end(),
                           [&](const auto& a) { return all.count(a) != 0; });
    }
};

void expect_in_sync(const ModelProxy& proxy, const World& world) {
    std::set<std::string> upstreams;
    size_t endpoints = 0;
    for (const auto& [name, upstream] : world.upstreams) {
        if (!world.wanted(proxy.wants(), name)) continue;
        upstreams.insert(name);
        ASSERT_TRUE(proxy.state().find(name)) << name;
        EXPECT_EQ(*proxy.state().find(name).upstream, upstream);
    }
    for (const auto& [key, slice] : world.slices) {
        if (!world.wanted(proxy.wants(), key.first)) continue;
        endpoints += slice.endpoints.size();
        const auto* slices = proxy.state().find(key.first).slices;
        ASSERT_TRUE(slices != nullptr && slices->count(key.second) == 1) << key.first << " " << key.second;
        EXPECT_EQ(*slices->at(key.second), slice);
    }
    const auto names = proxy.state().upstream_names();
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), upstreams);
    EXPECT_EQ(proxy.state().endpoint_count(), endpoints) << "something is left that is gone";
}

void random_step(std::mt19937& random, World& world, PushCache& cache) {
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
    push::Change change;
    for (unsigned i = 0; i <= pick(3); ++i) {
        const std::string name = "s/u" + std::to_string(pick(4)) + ":http";
        const std::string slice = "s" + std::to_string(pick(3));
        switch (pick(4)) {
            case 0: {
                Upstream upstream{name, Protocol::http, {}, {}};
                for (unsigned a = 0; a < pick(3); ++a)
                    upstream.aliases.push_back("s/alias:" + std::to_string(a + pick(2)));
                std::sort(upstream.aliases.begin(), upstream.aliases.end());
                upstream.aliases.erase(std::unique(upstream.aliases.begin(), upstream.aliases.end()),
                                       upstream.aliases.end());
                world.upstreams[name] = upstream;
                cache.publish({{upstream}, {}});
                break;
            }
            case 1:
                world.upstreams.erase(name);
                cache.publish({{}, {{"upstream", name, ""}}});
                break;
            case 2: {
                EndpointSlice value{name, slice, std::vector<config::Endpoint>(pick(3))};
                for (auto& endpoint : value.endpoints) {
                    endpoint.address = "10.0.0.1";
                    endpoint.port = static_cast<uint16_t>(1 + pick(5));
                }
                world.slices[{name, slice}] = value;
                cache.publish({{value}, {}});
                break;
            }
            default:
                world.slices.erase({name, slice});
                cache.publish({{}, {{"endpoints", name, slice}}});
        }
    }
}

void run_history(unsigned seed, size_t max_tombstones) {
    std::mt19937 random{seed};
    PushCache cache{"e", {max_tombstones}};
    World world;
    std::vector<std::unique_ptr<ModelProxy>> proxies;
    for (const auto& wants : std::vector<std::vector<std::string>>{
             {"*"}, {"s/u0:http"}, {"s/alias:0"}, {"s/alias:1", "s/u2:http"}, {"s/alias:2", "s/alias:1"}}) {
        proxies.push_back(std::make_unique<ModelProxy>(cache, wants));
    }
    for (int step = 0; step < 120; ++step) {
        random_step(random, world, cache);
        for (auto& proxy : proxies) {
            proxy->changed();
            if (random() % 3 == 0) proxy->answer(random() % 8 == 0);
            if (random() % 30 == 0) proxy->connect();
        }
    }
    // One last change to everything, so that a refused frame is followed by a newer one.
    for (auto& [name, upstream] : world.upstreams) {
        upstream.policy.drain_timeout_ms = 1;
        cache.publish({{upstream}, {}});
    }
    for (auto& [key, slice] : world.slices) {
        slice.endpoints.push_back({"10.9.9.9", 9, 1, "", "", {}});
        cache.publish({{slice}, {}});
    }
    for (auto& proxy : proxies) {
        proxy->connect();
        while (proxy->answer(false)) {}
        expect_in_sync(*proxy, world);
    }
}

TEST(PushProtocol, EveryProxyEndsUpWithWhatItWantsWhateverHappens) {
    for (unsigned seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        run_history(seed, seed % 2 == 0 ? 20'000 : 4);
    }
}

}  // namespace
}  // namespace steelyard
