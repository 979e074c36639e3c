#include "sidecar/config/state.hpp"

#include <gtest/gtest.h>

namespace steelyard::config {
namespace {

using Names = std::vector<std::string>;

Upstream upstream(std::string name, std::vector<std::string> aliases = {}) {
    return {std::move(name), Protocol::http, {}, std::move(aliases)};
}
EndpointSlice slice(std::string of, std::string name, uint16_t port = 80, size_t count = 1) {
    return {std::move(of), std::move(name), std::vector<Endpoint>(count, Endpoint{"10.0.0.1", port, 1, "", "", {}})};
}
Listener listener(std::string name, uint16_t port = 80) {
    return {std::move(name), "127.0.0.1", port, Protocol::tcp, "s/a:http"};
}

class ConfigStateTest : public ::testing::Test {
protected:
    ChangeSet snapshot(std::vector<Resource> upsert, std::string version = "e.1") {
        auto outcome = state_.apply(push::Snapshot{std::move(version), std::move(upsert)});
        EXPECT_TRUE(outcome.applied) << outcome.problems.first().to_string();
        return outcome.changes;
    }
    ConfigState::Outcome delta(std::vector<Resource> upsert, std::vector<ResourceKey> remove = {}) {
        const std::string next = state_.version() + "1";
        return state_.apply(push::Delta{state_.version(), next, std::move(upsert), std::move(remove)});
    }
    ConfigState state_;
};

TEST_F(ConfigStateTest, ASnapshotNamesWhatChangedAndDropsWhatItDoesNotName) {
    auto changes = snapshot({upstream("s/a:http"), slice("s/a:http", "1"), slice("s/b:http", "1"), listener("l")});
    EXPECT_EQ(changes.changed, (Names{"s/a:http", "s/b:http"}));
    EXPECT_TRUE(changes.listeners);
    changes = snapshot({upstream("s/a:http"), slice("s/a:http", "2"), upstream("s/c:http")}, "e.2");
    EXPECT_EQ(changes.changed, (Names{"s/a:http", "s/c:http"}));
    EXPECT_EQ(changes.removed, Names{"s/b:http"});
    EXPECT_TRUE(changes.listeners);
    EXPECT_EQ(state_.version(), "e.2");
    EXPECT_EQ(state_.endpoint_count(), 1u);
    EXPECT_EQ(state_.find("s/a:http").slices->count("1"), 0u);
}

TEST_F(ConfigStateTest, TheSameSnapshotAgainChangesNothingAndKeepsThePointers) {
    const std::vector<Resource> all{upstream("s/a:http", {"s/a:80"}), slice("s/a:http", "1"), listener("l")};
    snapshot(all);
    const auto before = state_.find("s/a:http");
    const auto before_slice = before.slices->at("1");
    EXPECT_TRUE(snapshot(all, "e.9").empty());
    EXPECT_EQ(state_.version(), "e.9");
    EXPECT_EQ(state_.find("s/a:http").upstream, before.upstream);
    EXPECT_EQ(state_.find("s/a:http").slices->at("1"), before_slice);
}

TEST_F(ConfigStateTest, ADeltaChangesWhatItNamesAndKeepsTheRest) {
    snapshot({upstream("s/a:http"), slice("s/a:http", "1"), slice("s/a:http", "2"), upstream("s/b:http")});
    const auto outcome =
        delta({slice("s/a:http", "1", 81)}, {{"endpoints", "s/a:http", "2"}, {"upstream", "s/b:http", ""}});
    ASSERT_TRUE(outcome.applied);
    EXPECT_EQ(outcome.changes.changed, Names{"s/a:http"});
    EXPECT_EQ(outcome.changes.removed, Names{"s/b:http"});
    EXPECT_EQ(state_.find("s/a:http").slices->at("1")->endpoints[0].port, 81);
    EXPECT_EQ(state_.endpoint_count(), 1u);
    EXPECT_FALSE(state_.find("s/b:http"));
}

TEST_F(ConfigStateTest, ADeltaForAnotherBaseIsRefusedWhole) {
    EXPECT_FALSE(state_.apply(push::Delta{"", "e.1", {}, {}}).applied) << "there is nothing it could apply to";
    snapshot({upstream("s/a:http")});
    const auto outcome =
        state_.apply(push::Delta{"e.0", "e.2", {upstream("s/b:http")}, {{"upstream", "s/a:http", ""}}});
    EXPECT_FALSE(outcome.applied);
    EXPECT_EQ(outcome.problems.first().to_string(), "base: 'e.0' is not the version in force ('e.1')");
    EXPECT_EQ(state_.version(), "e.1");
    EXPECT_EQ(state_.upstream_names(), Names{"s/a:http"});
}

TEST_F(ConfigStateTest, SlicesMayComeBeforeTheirUpstreamAndStayAfterIt) {
    snapshot({slice("s/a:http", "1")});
    EXPECT_FALSE(state_.find("s/a:http")) << "not known yet";
    ASSERT_NE(state_.find("s/a:http").slices, nullptr);
    EXPECT_EQ(state_.find("s/a:http").slices->size(), 1u);
    EXPECT_EQ(delta({upstream("s/a:http")}).changes.changed, Names{"s/a:http"});
    EXPECT_TRUE(state_.find("s/a:http"));
    EXPECT_EQ(delta({}, {{"upstream", "s/a:http", ""}}).changes.changed, Names{"s/a:http"})
        << "its slices are still there";
    EXPECT_EQ(delta({}, {{"endpoints", "s/a:http", "1"}}).changes.removed, Names{"s/a:http"});
}

TEST_F(ConfigStateTest, AnAliasResolvesAndANameGoesBeforeAnAlias) {
    snapshot({upstream("s/a:http", {"s/a:80"}), slice("s/a:http", "1")});
    EXPECT_EQ(state_.resolve("s/a:80"), "s/a:http");
    EXPECT_EQ(state_.find("s/a:80").upstream->name, "s/a:http");
    EXPECT_EQ(state_.resolve("s/a:81"), "");
    const auto outcome =
        delta({upstream("s/a:80"), upstream("s/a:also", {"s/a:81"}), upstream("s/a:http", {"s/a:80", "s/a:81"})});
    EXPECT_TRUE(outcome.changes.aliases);
    EXPECT_EQ(state_.resolve("s/a:80"), "s/a:80");
    EXPECT_EQ(state_.resolve("s/a:81"), "s/a:also") << "the first of two";
    delta({}, {{"upstream", "s/a:80", ""}, {"upstream", "s/a:also", ""}});
    EXPECT_EQ(state_.resolve("s/a:80"), "s/a:http");
    EXPECT_EQ(state_.resolve("s/a:81"), "s/a:http");
    EXPECT_FALSE(delta({slice("s/a:http", "1", 99)}).changes.aliases);
}

TEST_F(ConfigStateTest, RemovingWhatIsNotThereChangesNothing) {
    snapshot({upstream("s/a:http")});
    EXPECT_TRUE(delta({}, {{"endpoints", "s/x:http", "1"}, {"upstream", "s/x:http", ""}, {"listener", "x", ""}})
                    .changes.empty());
    EXPECT_EQ(state_.everything().changed, Names{"s/a:http"});
    const auto outcome = delta({}, {{"upstream", "s/a:http", ""}, {"endpoints", "s/a:http", "none"}});
    EXPECT_EQ(outcome.changes.removed, Names{"s/a:http"});
    EXPECT_TRUE(state_.everything().empty());
}

TEST_F(ConfigStateTest, TooManyEndpointsInAllAreRefusedWhole) {
    std::vector<Resource> full{upstream("s/a:http")};
    for (int i = 0; i < 100; ++i) full.push_back(slice("s/a:http", std::to_string(i), 80, kMaxEndpointsPerSlice));
    snapshot(full);
    const auto outcome = delta({slice("s/a:http", "more"), upstream("s/b:http")});
    EXPECT_FALSE(outcome.applied);
    EXPECT_EQ(outcome.problems.first().to_string(),
              "upsert: upstream s/a:http would have 100001 endpoints; at most 100000 are allowed");
    EXPECT_FALSE(state_.find("s/b:http"));
    EXPECT_TRUE(delta({slice("s/a:http", "0"), slice("s/a:http", "more")}).applied);
    EXPECT_EQ(state_.endpoint_count(), 99'002u);
}

TEST_F(ConfigStateTest, AnImageHoldsEverythingAndStaysAsItWas) {
    snapshot({upstream("s/a:http"), slice("s/a:http", "1"), slice("s/b:http", "1"), listener("l")});
    state_.set_subscription("sub");
    const Image image = state_.image();
    snapshot({}, "e.2");
    EXPECT_EQ(image.version, "e.1");
    EXPECT_EQ(image.subscription, "sub");
    EXPECT_EQ(image.slices.size(), 2u);
    EXPECT_EQ(image.upstreams.at(0)->name, "s/a:http");
    EXPECT_EQ(image.listeners.size(), 1u);
}

}  // namespace
}  // namespace steelyard::config
