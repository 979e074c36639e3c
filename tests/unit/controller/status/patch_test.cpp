#include "controller/status/patch.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace steelyard::status {
namespace {

using kube::Condition;
using nlohmann::json;

constexpr const char* kNow = "2026-11-21T12:00:00Z";
constexpr const char* kThen = "2026-11-20T00:00:00Z";

std::vector<Condition> accepted(int64_t generation, const char* time = "") {
    return {{"Accepted", true, "Accepted", "in force", generation, time},
            {"Conflicted", false, "NoConflict", "", generation, time}};
}

TEST(StatusPatch, HasEverythingTheFirstTime) {
    const json patch = json::parse(status_patch({}, accepted(3), kNow).value());
    EXPECT_EQ(patch, json::parse(R"({"status": {"observedGeneration": 3, "conditions": [
        {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "in force", "observedGeneration": 3,
         "lastTransitionTime": "2026-11-21T12:00:00Z"},
        {"type": "Conflicted", "status": "False", "reason": "NoConflict", "message": "", "observedGeneration": 3,
         "lastTransitionTime": "2026-11-21T12:00:00Z"}]}})"));
}

TEST(StatusPatch, IsNoneWhenItIsThereAlready) {
    EXPECT_EQ(status_patch(accepted(3, kThen), accepted(3), kNow), std::nullopt);
    EXPECT_NE(status_patch(accepted(2, kThen), accepted(3), kNow), std::nullopt) << "another generation";
}

TEST(StatusPatch, TheTimeIsThatOfTheLastChangeOfTheStatusAlone) {
    std::vector<Condition> wanted = accepted(4);
    wanted[0].message = "in force still";
    wanted[1] = {"Conflicted", true, "Conflicted", "shop/other", 4};
    const json patch = json::parse(status_patch(accepted(3, kThen), wanted, kNow).value());
    EXPECT_EQ(patch["status"]["conditions"][0]["lastTransitionTime"], kThen);
    EXPECT_EQ(patch["status"]["conditions"][1]["lastTransitionTime"], kNow);
}

TEST(StatusPatch, WhatOthersAddedIsNotKept) {
    auto seen = accepted(3, kThen);
    seen.push_back({"Programmed", true, "x", "", 3, kThen});
    EXPECT_NE(status_patch(seen, accepted(3), kNow), std::nullopt);
}

TEST(StatusPatch, IsJsonWhateverTheMessage) {
    auto wanted = accepted(1);
    wanted[0].message = "\xff\"\n";
    EXPECT_FALSE(json::parse(status_patch({}, wanted, kNow).value(), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace steelyard::status
