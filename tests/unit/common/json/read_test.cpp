#include "common/json/read.hpp"

#include <gtest/gtest.h>

namespace steelyard {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(ParseJson, RefusesWhatNestsDeeperThanItsLimitHoweverLong) {
    EXPECT_TRUE(parse_json(nested(100)).is_array());
    EXPECT_TRUE(parse_json(nested(101)).is_discarded());
    EXPECT_TRUE(parse_json(nested(1'000'000)).is_discarded());
    EXPECT_TRUE(parse_json<ordered_json>("{\"a\":" + nested(3) + "}", 3).is_discarded());
    EXPECT_TRUE(parse_json<ordered_json>("{\"a\":" + nested(2) + "}", 3).is_object());
}

TEST(ParseJson, CountsBracketsOnlyWhereTheyAreBrackets) {
    const std::string brackets(500, '[');
    EXPECT_EQ(parse_json("\"" + brackets + "\""), json(brackets));
    EXPECT_EQ(parse_json(R"(["\")" + brackets + R"(\\"])"), json::array({"\"" + brackets + "\\"}));
    std::string wide = "[[]";
    for (int i = 0; i < 500; ++i) wide += ",[]";
    EXPECT_EQ(parse_json(wide + "]", 2).size(), 501U);
}

TEST(ParseJson, WhatIsNoJsonIsDiscarded) {
    for (const char* text : {"", " ", "{", "}", "]]]", "[1,]", "\"", "\"\\", "{\"a\"}", "\xff", "nul"})
        EXPECT_TRUE(parse_json(text).is_discarded()) << text;
}

TEST(ReadJson, WhatIsAbsentOrOfAnotherTypeIsNotThere) {
    const json object = {{"text", "x"},     {"none", nullptr},    {"list", {1, 2}},
                         {"whole", -7},     {"huge", UINT64_MAX}, {"part", {{"inner", {{"leaf", "y"}}}}},
                         {"fraction", 1.5}, {"yes", true}};
    EXPECT_EQ(text_of(object, "text"), "x");
    EXPECT_EQ(text_of(object, "whole"), "");
    EXPECT_EQ(text_of(object, "none"), "");
    EXPECT_EQ(whole_of(object, "whole"), -7);
    for (const char* name : {"huge", "fraction", "text", "absent"}) EXPECT_EQ(whole_of(object, name), std::nullopt);
    EXPECT_EQ(list_of(object, "list").size(), 2U);
    EXPECT_TRUE(list_of(object, "part").empty());
    EXPECT_TRUE(is_true(object, "yes"));
    EXPECT_FALSE(is_true(object, "text"));
    EXPECT_EQ(member(object, "none"), nullptr);
    EXPECT_EQ(text_of(object_of(object_of(object, "part"), "inner"), "leaf"), "y");
    EXPECT_EQ(*member(object, {"part", "inner", "leaf"}), json("y"));
    EXPECT_EQ(member(object, {"text", "inner", "leaf"}), nullptr);
    for (const json& other : {json(), json(5), json::array({1}), json("x"), json(json::value_t::discarded)}) {
        EXPECT_EQ(member(other, "text"), nullptr);
        EXPECT_TRUE(object_of(other, "part").empty());
        EXPECT_EQ(text_of(other, "text"), "");
    }
}

}  // namespace
}  // namespace steelyard
