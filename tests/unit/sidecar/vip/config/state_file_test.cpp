// What this node does: written and read, by readers that may be older or newer than the writer, and only believed when it is fresh.
#include "sidecar/vip/config/state_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/files/text_file.hpp"

namespace steelyard::vip {
namespace {

using testing::HasSubstr;

StateFile everything() {
    RouterStatus master{
        17, Family::ipv4, "eth0", RouterState::master, 213, {Prefix::parse("192.0.2.7/24").value()}, 1000, 2, 3, ""};
    RouterStatus fault{18, Family::ipv6,
                       "", RouterState::fault,
                       1,  {Prefix::parse("2001:db8::7").value()},
                       5,  0,
                       0,  "no interface has \"2001:db8::7\"\n"};
    return {"d2b2c1a0-0000-4000-8000-123456789abc",
            123'456,
            {master, fault, {}},
            {*Ip::parse("192.0.2.8"), *Ip::parse("2001:db8::8")}};
}

std::string complaint(const std::string& text) {
    const auto state = decode_state(text, "state.json");
    EXPECT_FALSE(state) << text;
    return state ? "" : state.error().to_string();
}

TEST(VipStateFile, WhatIsWrittenIsRead) {
    const auto state = decode_state(encode_state(everything()), "state.json");
    ASSERT_TRUE(state) << state.error().to_string();
    EXPECT_EQ(*state, everything());
    EXPECT_EQ(*decode_state(encode_state({}), "state.json"), StateFile{});
}

TEST(VipStateFile, AFieldOfANewerWriterIsPassedOver) {
    const auto state = decode_state(
        R"({"format":1,"boot_id":"b","monotonic_ms":7,"new":[],"routers":[{"id":1,"family":"ipv6","state":"backup","since":"x"}]})",
        "state.json");
    ASSERT_TRUE(state) << state.error().to_string();
    EXPECT_EQ(state->routers.at(0).state, RouterState::backup);
}

TEST(VipStateFile, WhatIsWrongIsNamed) {
    EXPECT_EQ(complaint(""), "state.json: is not JSON");
    EXPECT_EQ(complaint(R"({"format":1,"boot_id":"","monotonic_ms":0,"routers":[],"kept":["192.0.2.8",7]})"),
              "state.json: kept[1]: is not an IP address");
    EXPECT_EQ(complaint("[]"), "state.json: is a list, not an object");
    EXPECT_EQ(complaint(R"({"format":3})"), "state.json: format: 3 is not 1, the one this program reads");
    const auto router = [](const std::string& fields) {
        return complaint(
            R"({"format":1,"boot_id":"","monotonic_ms":0,"routers":[{"id":1,"family":"ipv4","state":"init",)" + fields +
            "}]}");
    };
    EXPECT_EQ(router(R"("state":"active")"),
              "state.json: routers[0].state: 'active' is not one of init, backup, master, fault");
    EXPECT_EQ(router(R"("id":0)"), "state.json: routers[0].id: 0 is not a virtual router id (1-255)");
    EXPECT_THAT(router(R"("addresses":["::1"])"), HasSubstr("routers[0].addresses[0]: is not an IP address of ipv4"));
    EXPECT_THAT(router(R"("addresses":[1])"), HasSubstr("routers[0].addresses[0]: is not an IP address of ipv4"));
    EXPECT_THAT(router("\"problem\":\"" + std::string(2000, 'x') + '"'),
                HasSubstr("routers[0].problem: is longer than 1536 bytes"));
    EXPECT_THAT(router("\"interface\":\"" + std::string(65, 'x') + '"'),
                HasSubstr("interface: is longer than 64 bytes"));
}

TEST(VipStateFile, ALongProblemIsCutBetweenCharacters) {
    StateFile state = everything();
    state.routers[0].problem = std::string(511, 'x') + "\xc3\xa4";
    EXPECT_EQ(decode_state(encode_state(state), "state.json")->routers[0].problem, std::string(511, 'x'));
    state.routers[0].problem = std::string(600, '\xff');
    EXPECT_TRUE(decode_state(encode_state(state), "state.json"));
}

TEST(VipStateFile, ItIsFreshInItsOwnBootForAWhile) {
    StateFile state = everything();
    state.monotonic_ms = 1000;
    EXPECT_TRUE(is_fresh(state, state.boot_id, 1000, Milliseconds{300}));
    EXPECT_TRUE(is_fresh(state, state.boot_id, 1299, Milliseconds{300}));
    EXPECT_FALSE(is_fresh(state, state.boot_id, 1300, Milliseconds{300}));
    EXPECT_FALSE(is_fresh(state, state.boot_id, 999, Milliseconds{300}));
    EXPECT_FALSE(is_fresh(state, "another", 1000, Milliseconds{300}));
    state.boot_id.clear();
    EXPECT_FALSE(is_fresh(state, "", 1000, Milliseconds{300}));
}

TEST(VipStateFile, AFileIsReplacedWhole) {
    const auto directory = std::filesystem::temp_directory_path() / ("vip-state-" + std::to_string(::getpid()));
    std::filesystem::create_directory(directory);
    const std::string path = directory / "state.json";
    EXPECT_FALSE(load_state(path)->has_value());
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(files::replace_text_file(path, encode_state(everything()), files::Keep::for_this_boot));
    EXPECT_EQ(**load_state(path), everything());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
    EXPECT_THAT(files::read_text_file(path, 10).error().to_string(), HasSubstr("at most 10 are allowed"));
    std::filesystem::remove_all(directory);
    EXPECT_THAT(files::replace_text_file(path, "", files::Keep::for_this_boot).error().to_string(),
                HasSubstr("cannot be created"));
}

}  // namespace
}  // namespace steelyard::vip
