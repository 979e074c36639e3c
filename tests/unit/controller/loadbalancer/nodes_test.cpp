// Which nodes an advertisement means, and what its status says of them.
#include "controller/loadbalancer/nodes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/config/model.hpp"
#include "controller/kube/decode.hpp"
#include "controller/loadbalancer/pools.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;
using store::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Labels = std::map<std::string, std::string, std::less<>>;

struct NodesTest : testing::Test {
    store::ClusterState state;

    void add(const std::string& name, Labels labels) {
        kube::Node node;
        node.meta.name = name;
        node.labels = std::move(labels);
        state.upsert(std::move(node));
    }
    void listed() {
        state.begin_list(Kind::node);
        add("a", {{"zone", "1"}, {"edge", ""}});
        add("b", {{"zone", "2"}, {"edge", ""}});
        add("c", {{"zone", "1"}});
        state.end_list(Kind::node);
    }
    static kube::VirtualIPAdvertisement advertisement(const json& spec) {
        return kube::decode_advertisement({{"metadata", {{"name", "lan"}}}, {"spec", spec}}, policy::Unknown::refuse);
    }
    NodeChoice chosen(const json& spec) const {
        const auto one = advertisement(spec);
        EXPECT_THAT(one.problems, IsEmpty());
        return choose_nodes(one.spec, state);
    }
    kube::Condition condition(const json& spec) const {
        const auto one = advertisement(spec);
        return conditions_of(one, {}, {&one}, choose_nodes(one.spec, state)).at(0);
    }
};

const json kZoneOne = {{"nodeSelector", {{"matchLabels", {{"zone", "1"}}}}}};
const json kZoneNine = {{"nodeSelector", {{"matchLabels", {{"zone", "9"}}}}}};

TEST_F(NodesTest, AreThoseThatAreNamedWithoutASelectorWhetherTheyAreKnownOrNot) {
    EXPECT_THAT(chosen({{"nodes", {"z", "a"}}}).names, ElementsAre("z", "a"));
    const NodeChoice all = chosen(json::object());
    EXPECT_THAT(all.names, IsEmpty());
    EXPECT_FALSE(all.none());
    EXPECT_FALSE(chosen({{"nodeSelector", json::object()}}).none()) << "an empty one selects everything";
}

TEST_F(NodesTest, AreThoseWhoseLabelsMatchAndThatAreNamedIfAnyAre) {
    listed();
    EXPECT_THAT(chosen(kZoneOne).names, ElementsAre("a", "c"));
    const json expression = {{"key", "edge"}, {"operator", "Exists"}};
    EXPECT_THAT(chosen({{"nodeSelector", {{"matchExpressions", {expression}}}}}).names, ElementsAre("a", "b"));
    json both = kZoneOne;
    both["nodes"] = {"c", "b"};
    EXPECT_THAT(chosen(both).names, ElementsAre("c"));
    EXPECT_EQ(condition(both).message, "in force for 0 pools, on 1 nodes");
}

TEST_F(NodesTest, AreNoneAndNotAllWhenNobodyMatches) {
    listed();
    EXPECT_TRUE(chosen(kZoneNine).none());
    const auto said = condition(kZoneNine);
    EXPECT_FALSE(said.status);
    EXPECT_EQ(said.reason, "NoNodes");
    EXPECT_EQ(said.message, "spec.nodeSelector: no node matches; no node holds the addresses");
}

TEST_F(NodesTest, AreNoneUntilTheNodesAreListed) {
    add("a", {{"zone", "1"}});
    EXPECT_TRUE(chosen(kZoneOne).none());
    const auto said = condition(kZoneOne);
    EXPECT_EQ(said.reason, "NodesUnknown");
    EXPECT_THAT(said.message, HasSubstr("the right to list and watch nodes"));
}

TEST_F(NodesTest, AreTheFirstByNameOfTooMany) {
    listed();
    for (int i = 0; i < 1001; ++i) add("n" + std::to_string(10'000 + i), {{"zone", "9"}});
    const NodeChoice choice = chosen(kZoneNine);
    EXPECT_FALSE(choice.none());
    EXPECT_EQ(choice.names.size(), config::kMaxVirtualIpNodes);
    EXPECT_EQ(choice.names.back(), "n10999");
    EXPECT_EQ(condition(kZoneNine).reason, "TooManyNodes");
    EXPECT_THAT(condition(kZoneNine).message, HasSubstr("1001 nodes match; only the first 1000 by name"));
}

TEST_F(NodesTest, OfASelectorThatCannotBeReadAreNobodysMatter) {
    const auto said = condition({{"nodeSelector", {{"matchLabels", {{"-zone", "1"}}}}}});
    EXPECT_EQ(said.reason, "Invalid");
    EXPECT_THAT(said.message, HasSubstr("spec.nodeSelector.matchLabels.-zone: is not the key of a label"));
    EXPECT_THAT(condition({{"nodeSelector", {"zone"}}}).message, HasSubstr("spec.nodeSelector"));
}

}  // namespace
}  // namespace steelyard::loadbalancer
