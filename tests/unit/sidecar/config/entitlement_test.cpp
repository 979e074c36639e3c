// What a namespace gets while Services come, go and are exported: whatever happens, a proxy has what it is entitled to and
// nothing else, and knows what it is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "common/push/codec.hpp"
#include "controller/push/session.hpp"
#include "sidecar/config/state.hpp"

namespace steelyard {
namespace {

using config::EndpointSlice;
using config::Upstream;

const std::vector<std::string> kNamespaces{"a", "b", "ab", "c"};

struct Proxy {
    Proxy(push::PushCache& cache, std::string of, std::vector<std::string> asked)
        : ns(std::move(of)),
          wants(std::move(asked)),
          session(
              cache, {}, [](const push::Hello&) { return std::nullopt; }, true, TimePoint{}, ns) {
        push::Hello hello;
        hello.name = "p";
        hello.instance = "i";
        hello.wants = wants;
        take(session.on_message(push::encode(hello), TimePoint{}));
    }
    void take(push::PushSession::Action action) {
        ASSERT_FALSE(action.close) << action.close->problem;
        if (action.refused) {
            const auto decoded = push::decode_from_controller(*action.refused);
            refused = std::get<push::Refused>(std::get<push::FromController>(decoded)).wants;
        }
        if (action.frame) in_flight.push_back(action.frame);
    }
    // Applies what has arrived and acknowledges it, until nothing is left.
    void settle() {
        while (!in_flight.empty()) {
            const auto frame = in_flight.front();
            in_flight.erase(in_flight.begin());
            auto decoded = push::decode_from_controller(*frame);
            ASSERT_EQ(decoded.index(), 0u);
            std::string version;
            std::visit(
                [&](auto& message) {
                    using M = std::decay_t<decltype(message)>;
                    if constexpr (std::is_same_v<M, push::Snapshot> || std::is_same_v<M, push::Delta>) {
                        version = message.version;
                        ASSERT_TRUE(state.apply(std::move(message)).applied);
                    }
                },
                std::get<push::FromController>(decoded));
            take(session.on_message(push::encode(push::Ack{version}), TimePoint{}));
        }
    }
    bool asks_for(const std::string& name, const std::string& alias) const {
        return std::any_of(wants.begin(), wants.end(),
                           [&](const auto& w) { return w == "*" || w == name || w == alias; });
    }

    std::string ns;
    std::vector<std::string> wants;
    push::PushSession session;
    config::ConfigState state;
    std::vector<push::Frame> in_flight;
    std::vector<push::RefusedWant> refused;
};

struct Service {
    std::vector<std::string> exports;
    bool upstream = false;
    std::map<std::string, uint16_t> slices;
};

class World {
public:
    explicit World(uint32_t seed) : random_(seed) {
        for (const auto& ns : kNamespaces) {
            proxies_.push_back(std::make_unique<Proxy>(cache_, ns, std::vector<std::string>{"*"}));
            proxies_.push_back(std::make_unique<Proxy>(
                cache_, ns, std::vector<std::string>{"a/s:http", "b/s:80", "ab/s:http", "c/none:1"}));
        }
        proxies_.push_back(std::make_unique<Proxy>(cache_, "", std::vector<std::string>{"*"}));
    }

    void step() {
        push::Change change;
        const std::string ns = kNamespaces[random_() % kNamespaces.size()];
        const std::string name = ns + "/s:http";
        Service& service = services_[ns];
        switch (random_() % 5) {
            case 0:
            case 1:
                service.exports.clear();
                for (const auto& other : {"*", "a", "b", "ab"}) {
                    if (random_() % 4 == 0) service.exports.emplace_back(other);
                }
                service.upstream = true;
                change.upsert.emplace_back(upstream(name, ns, service));
                break;
            case 2:
                service.upstream = false;
                service.exports.clear();
                change.remove.push_back({"upstream", name, ""});
                break;
            case 3: {
                const std::string slice = std::to_string(random_() % 3);
                service.slices[slice] = static_cast<uint16_t>(1 + random_() % 1000);
                change.upsert.emplace_back(
                    EndpointSlice{name, slice, {{"10.0.0.1", service.slices[slice], 1, "", "", {}}}});
                break;
            }
            default: {
                const std::string slice = std::to_string(random_() % 3);
                service.slices.erase(slice);
                change.remove.push_back({"endpoints", name, slice});
            }
        }
        if (!cache_.publish(std::move(change)).changed) return;
        for (auto& proxy : proxies_) {
            proxy->take(proxy->session.on_change(TimePoint{}));
            if (random_() % 3 == 0) proxy->settle();
        }
    }

    void check() {
        for (auto& proxy : proxies_) {
            proxy->settle();
            size_t endpoints = 0;
            for (const auto& [ns, service] : services_) {
                const std::string name = ns + "/s:http";
                const bool entitled = proxy->ns.empty() || proxy->ns == ns || lists(service.exports, proxy->ns);
                // An alias is known by the upstream alone.
                const bool asked = proxy->asks_for(name, service.upstream ? ns + "/s:80" : "");
                const bool gets = entitled && asked;
                EXPECT_EQ(static_cast<bool>(proxy->state.find(name)), gets && service.upstream)
                    << proxy->ns << " of " << name;
                if (gets) endpoints += service.slices.size();
                for (const std::string& want : {name, ns + "/s:80"}) {
                    const bool listed = std::find(proxy->wants.begin(), proxy->wants.end(), want) != proxy->wants.end();
                    const bool foreign = !proxy->ns.empty() && proxy->ns != ns;
                    const bool told = std::any_of(proxy->refused.begin(), proxy->refused.end(),
                                                  [&](const auto& refused) { return refused.name == want; });
                    EXPECT_EQ(told, listed && foreign && !(entitled && service.upstream))
                        << proxy->ns << " of " << want;
                }
            }
            EXPECT_EQ(proxy->state.endpoint_count(), endpoints) << proxy->ns << " wants " << proxy->wants[0];
        }
    }

private:
    static bool lists(const std::vector<std::string>& all, const std::string& ns) {
        return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one == "*" || one == ns; });
    }
    static Upstream upstream(const std::string& name, const std::string& ns, const Service& service) {
        Upstream u;
        u.name = name;
        u.aliases = {ns + "/s:80"};
        u.export_to = service.exports;
        return u;
    }

    std::mt19937 random_;
    push::PushCache cache_{"e1", {.max_tombstones = 3}};
    std::map<std::string, Service> services_;
    std::vector<std::unique_ptr<Proxy>> proxies_;
};

TEST(Entitlement, AProxyHasWhatItsNamespaceIsEntitledToAndNothingElse) {
    for (uint32_t seed = 0; seed < 40; ++seed) {
        SCOPED_TRACE(seed);
        World world(seed);
        for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) {
            world.step();
            if (i % 5 == 0) world.check();
        }
        world.check();
        if (testing::Test::HasFailure()) return;
    }
}

TEST(Entitlement, ANamespaceIsNotThePrefixOfAnother) {
    push::Hello hello;
    hello.wants = {"*"};
    const auto shop = push::Subscription::of(hello, "shop");
    EXPECT_TRUE(shop.owns("shop/web:http"));
    for (const char* other :
         {"shop2/web:http", "sho/web:http", "shop", "shop-web:http", "", "/web:http", "x/shop/web"}) {
        EXPECT_FALSE(shop.owns(other)) << other;
    }
}

}  // namespace
}  // namespace steelyard
