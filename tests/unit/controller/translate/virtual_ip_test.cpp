// That virtual IPs follow what they depend on: the Service's status, and the advertisement of its address's pool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/translator.hpp"

namespace steelyard::translate {
namespace {

kube::Service balanced(const std::string& name, const std::string& address) {
    kube::Service made;
    made.meta = {"shop", name, "1", {}};
    made.meta.annotations.emplace(kube::kRouterIdAnnotation, "7");
    made.type = "LoadBalancer";
    made.ports.push_back({"https", 443, {}, "TCP", ""});
    kube::LoadBalancer& balancer = made.balancer.make();
    balancer.load_balancer_class = kube::kVipClass;
    if (!address.empty()) balancer.ingress.push_back({address, "", "Proxy"});
    return made;
}

kube::VirtualIPAdvertisement advertisement(const std::string& name, const std::string& pool, uint32_t interval_ms) {
    kube::VirtualIPAdvertisement made;
    made.meta = {"", name, "1", {}};
    made.judged.created = "2026-01-01T00:00:00Z";
    made.spec.pools = {pool};
    made.spec.advertisement_interval_ms = interval_ms;
    return made;
}

kube::AddressPool pool(const std::string& name, const std::string& addresses) {
    kube::AddressPool made;
    made.meta = {"", name, "1", {}};
    made.spec.addresses = {addresses};
    return made;
}

uint32_t interval_of(const Update& update) {
    for (const config::Resource& resource : update.upsert) {
        if (const auto* ip = std::get_if<config::VirtualIp>(&resource)) return ip->advertisement_interval_ms;
    }
    return 0;
}

TEST(VirtualIp, IsAnnouncedAsThePoolOfItsAddressIs) {
    store::ClusterState state;
    state.upsert(balanced("web", "192.0.2.7"));
    Translator translator;
    Update update = translator.update(state, state.take_changes());
    EXPECT_EQ(interval_of(update), 100U) << "in no pool: the defaults";

    state.upsert(pool("front", "192.0.2.0/28"));
    state.upsert(advertisement("lan", "front", 250));
    update = translator.update(state, state.take_changes());
    EXPECT_EQ(interval_of(update), 250U);
    EXPECT_EQ(update.upsert.size(), 1U) << "its listener is as it was";

    state.upsert(advertisement("lan", "back", 250));
    EXPECT_EQ(interval_of(translator.update(state, state.take_changes())), 100U);
}

TEST(VirtualIp, GoesWithTheAddressAndTheUpstreamStays) {
    store::ClusterState state;
    state.upsert(balanced("web", "192.0.2.7"));
    Translator translator;
    EXPECT_EQ(translator.update(state, state.take_changes()).upsert.size(), 3U);
    state.upsert(balanced("web", ""));
    Update update = translator.update(state, state.take_changes());
    EXPECT_TRUE(update.upsert.empty());
    EXPECT_THAT(update.remove,
                testing::ElementsAre(config::ResourceKey{"listener", "vip/shop/web:https/tcp@192.0.2.7", ""},
                                     config::ResourceKey{"virtual_ip", "shop/web", ""}));

    state.upsert(balanced("web", "192.0.2.8"));
    EXPECT_EQ(translator.update(state, state.take_changes()).upsert.size(), 2U);
    state.remove(store::Kind::service, {"shop", "web"});
    update = translator.update(state, state.take_changes());
    EXPECT_THAT(update.remove,
                testing::ElementsAre(config::ResourceKey{"listener", "vip/shop/web:https/tcp@192.0.2.8", ""},
                                     config::ResourceKey{"upstream", "shop/web:https", ""},
                                     config::ResourceKey{"virtual_ip", "shop/web", ""}));
}

TEST(VirtualIp, OfAServiceThatIsBeingDeletedIsWithdrawn) {
    store::ClusterState state;
    state.upsert(balanced("web", "192.0.2.7"));
    Translator translator;
    translator.update(state, state.take_changes());
    kube::Service going = balanced("web", "192.0.2.7");
    going.balancer.make().deleted = true;
    going.balancer.make().load_balancer_class = kube::kVipClass;
    state.upsert(std::move(going));
    EXPECT_EQ(translator.update(state, state.take_changes()).remove.size(), 2U);
}

}  // namespace
}  // namespace steelyard::translate
