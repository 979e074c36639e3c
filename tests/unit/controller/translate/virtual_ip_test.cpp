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

TEST(VirtualIp, HasNoPeerThatANodeWouldRefuse) {
    store::ClusterState state;
    state.upsert(balanced("web", "192.0.2.7"));
    auto peers = advertisement("lan", "front", 100);
    peers.spec.pools.clear();
    peers.spec.peers = {"192.0.2.1", "224.0.0.18", "::ffff:0.0.0.0", "fe80::1"};
    state.upsert(std::move(peers));
    Translator translator;
    const Update update = translator.update(state, state.take_changes());
    for (const config::Resource& resource : update.upsert) {
        if (const auto* ip = std::get_if<config::VirtualIp>(&resource)) {
            EXPECT_THAT(ip->peers, testing::ElementsAre("192.0.2.1", "fe80::1"));
        }
    }
    EXPECT_EQ(update.services.at(0).problems.size(), 2U);
}

TEST(VirtualIp, OfANameThatNoEdgeTakesIsNotAnnounced) {
    store::ClusterState state;
    kube::Service odd = balanced("web", "192.0.2.7");
    odd.meta.ns = "sh op";
    state.upsert(std::move(odd));
    Translator translator;
    const Update update = translator.update(state, state.take_changes());
    EXPECT_TRUE(update.upsert.empty());
    EXPECT_EQ(update.services.at(0).problems.back().reason, "InvalidName");
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

kube::Node node(const std::string& name, const std::string& zone) {
    kube::Node made;
    made.meta = {"", name, "1", {}};
    made.labels.emplace("zone", zone);
    return made;
}

// The nodes of the one virtual IP in it; "none": it is withdrawn.
std::vector<std::string> nodes_of(const Update& update) {
    for (const config::Resource& resource : update.upsert) {
        if (const auto* ip = std::get_if<config::VirtualIp>(&resource)) return ip->nodes;
    }
    for (const config::ResourceKey& key : update.remove) {
        if (key.kind == "virtual_ip") return {"none"};
    }
    return {};
}

TEST(VirtualIp, IsHeldByTheNodesWhoseLabelsMatchAndByNobodyWithoutOne) {
    store::ClusterState state;
    state.upsert(balanced("web", "192.0.2.7"));
    state.upsert(pool("front", "192.0.2.0/28"));
    auto selecting = advertisement("lan", "front", 100);
    selecting.spec.node_selector.labels.emplace("zone", "1");
    state.upsert(std::move(selecting));
    state.begin_list(store::Kind::node);
    state.upsert(node("a", "1"));
    state.upsert(node("b", "2"));
    Translator translator;
    Update update = translator.update(state, state.take_changes());
    EXPECT_EQ(update.upsert.size(), 2U) << "an upstream and its listener: the list of nodes is not at its end";
    ASSERT_EQ(update.services.size(), 1U);
    EXPECT_EQ(update.services[0].problems.at(0).reason, "NodesUnknown");

    const auto next = [&] { return translator.update(state, state.take_changes()); };
    state.end_list(store::Kind::node);
    update = next();
    EXPECT_THAT(nodes_of(update), testing::ElementsAre("a"));
    EXPECT_TRUE(update.services.at(0).problems.empty());

    state.upsert(node("b", "1"));
    EXPECT_THAT(nodes_of(next()), testing::ElementsAre("a", "b"));
    state.upsert(node("b", "2"));
    EXPECT_THAT(nodes_of(next()), testing::ElementsAre("a"));
    state.remove(store::Kind::node, {"", "a"});
    update = next();
    EXPECT_THAT(nodes_of(update), testing::ElementsAre("none"));
    EXPECT_EQ(update.services.at(0).problems.at(0).message,
              "Service shop/web: VirtualIPAdvertisement lan: spec.nodeSelector: no node matches; no node holds the "
              "addresses");
    state.upsert(node("c", "1"));
    EXPECT_THAT(nodes_of(next()), testing::ElementsAre("c"));
}

TEST(VirtualIp, DoesNotRunAgainForANodeThatChangesNothing) {
    store::ClusterState state;
    state.upsert(balanced("web", "192.0.2.7"));
    auto selecting = advertisement("lan", "front", 100);
    selecting.spec.pools.clear();
    selecting.spec.node_selector.labels.emplace("zone", "1");
    state.upsert(std::move(selecting));
    state.begin_list(store::Kind::node);
    state.upsert(node("a", "1"));
    state.end_list(store::Kind::node);
    Translator translator;
    EXPECT_THAT(nodes_of(translator.update(state, state.take_changes())), testing::ElementsAre("a"));
    kube::Node beat = node("a", "1");
    beat.meta.resource_version = "2";
    state.upsert(std::move(beat));
    EXPECT_FALSE(state.has_changes());
    state.upsert(node("other", "2"));
    EXPECT_EQ(translator.update(state, state.take_changes()).computed, 0U);
}

}  // namespace
}  // namespace steelyard::translate
