#include "sidecar/vip/leftovers.hpp"

#include <gtest/gtest.h>

namespace steelyard::vip {
namespace {

constexpr int kEth0 = 2;

LinkTable table_with(const std::vector<std::pair<const char*, uint8_t>>& addresses) {
    LinkTable table;
    LinkMessage link;
    link.index = kEth0;
    link.name = "eth0";
    link.up = true;
    table.apply(link);
    for (const auto& [text, protocol] : addresses) {
        AddressMessage address;
        address.index = kEth0;
        address.address = *Prefix::parse(text);
        address.protocol = protocol;
        table.apply(address);
    }
    return table;
}

StateFile state_with(RouterState state, const char* address) {
    RouterStatus status;
    status.id = 17;
    status.interface = "eth0";
    status.state = state;
    status.addresses = {*Prefix::parse(address)};
    return {"boot", 1000, {status}};
}

Config config_with(const char* address) {
    Router router;
    router.id = 17;
    router.addresses = {*Prefix::parse(address)};
    return {{router}};
}

TEST(Leftovers, AreWhatTheFileSaysWasHeldAndWhatCarriesOurMark) {
    struct Case {
        const char* why;
        uint8_t protocol;
        std::optional<StateFile> state;
        Config config;
        bool removed;
    };
    const Case cases[] = {
        {"held, marked", kOurAddressProtocol, state_with(RouterState::master, "192.0.2.7"), {}, true},
        {"held, on a kernel without marks", 0, state_with(RouterState::master, "192.0.2.7"), {}, true},
        {"held, but somebody else's by now", 18, state_with(RouterState::master, "192.0.2.7"), {}, false},
        {"not held", 0, state_with(RouterState::backup, "192.0.2.7"), {}, false},
        {"no file, configured, marked", kOurAddressProtocol, std::nullopt, config_with("192.0.2.7"), true},
        {"no file, configured, not marked", 0, std::nullopt, config_with("192.0.2.7"), false},
        {"no file, not configured, marked", kOurAddressProtocol, std::nullopt, {}, false},
        {"of another length", 0, state_with(RouterState::master, "192.0.2.7/24"), {}, false},
    };
    for (const auto& one : cases) {
        const auto found =
            leftovers(table_with({{"192.0.2.1/24", 0}, {"192.0.2.7/32", one.protocol}}), one.state, one.config, {});
        const std::vector<Leftover> expected{{kEth0, *Prefix::parse("192.0.2.7")}};
        EXPECT_EQ(found, one.removed ? expected : std::vector<Leftover>{}) << one.why;
    }
}

TEST(Leftovers, OfARouterThatGoesOnAreKept) {
    const auto table = table_with({{"192.0.2.7/32", kOurAddressProtocol}});
    const auto state = state_with(RouterState::master, "192.0.2.7");
    EXPECT_TRUE(leftovers(table, state, config_with("192.0.2.7"), {{17, Family::ipv4}}).empty());
    EXPECT_FALSE(leftovers(table, state, config_with("192.0.2.7"), {{17, Family::ipv6}}).empty());
    EXPECT_FALSE(leftovers(table, state, config_with("192.0.2.8"), {{17, Family::ipv4}}).empty());
}

TEST(FindStatus, IsByIdAndFamily) {
    const std::optional<StateFile> state = state_with(RouterState::master, "192.0.2.7");
    EXPECT_NE(find_status(state, 17, Family::ipv4), nullptr);
    EXPECT_EQ(find_status(state, 17, Family::ipv6), nullptr);
    EXPECT_EQ(find_status(state, 18, Family::ipv4), nullptr);
    EXPECT_EQ(find_status(std::nullopt, 17, Family::ipv4), nullptr);
}

}  // namespace
}  // namespace steelyard::vip
