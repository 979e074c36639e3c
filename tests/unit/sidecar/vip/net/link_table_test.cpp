#include "sidecar/vip/net/link_table.hpp"

#include <gtest/gtest.h>

namespace steelyard::vip {
namespace {

Ip ip(const char* text) { return *Ip::parse(text); }

LinkMessage link(int index, const char* name, bool up = true, bool loopback = false) {
    LinkMessage message;
    message.index = index;
    message.name = name;
    message.up = up;
    message.loopback = loopback;
    return message;
}

AddressMessage address(int index, const char* prefix, uint8_t protocol = 0, bool usable = true) {
    AddressMessage message;
    message.index = index;
    message.address = *Prefix::parse(prefix);
    message.protocol = protocol;
    message.usable = usable;
    return message;
}

struct LinkTableOfANode : testing::Test {
    LinkTableOfANode() {
        for (const NetlinkMessage& message : std::vector<NetlinkMessage>{
                 link(1, "lo", true, true), address(1, "127.0.0.1/8"), link(2, "eth0"), address(2, "192.0.2.1/24"),
                 address(2, "fe80::1/64"), link(3, "eth1"), address(3, "198.51.100.1/24"), link(4, "eth2", false),
                 address(4, "192.0.2.2/25")}) {
            table.apply(message);
        }
    }
    LinkTable table;
};

constexpr auto kAny = [](const Link&) { return true; };
constexpr auto kNone = [](const Ip&) { return false; };

TEST_F(LinkTableOfANode, KnowsWhoseSubnetHoldsAnAddress) {
    EXPECT_EQ(table.by_subnet(ip("198.51.100.7"))->name, "eth1");
    EXPECT_EQ(table.by_subnet(ip("192.0.2.7"))->name, "eth2") << "the longest prefix";
    EXPECT_EQ(table.by_subnet(ip("192.0.2.200"))->name, "eth0");
    EXPECT_EQ(table.by_subnet(ip("203.0.113.7")), nullptr);
    EXPECT_EQ(table.by_subnet(ip("127.0.0.7")), nullptr) << "never loopback";
    table.apply(address(3, "203.0.113.7/32"));
    EXPECT_EQ(table.by_subnet(ip("203.0.113.7")), nullptr) << "an address of its own is no subnet";
}

TEST_F(LinkTableOfANode, ChoosesOneThatIsUpThenOneOfTheSubnet) {
    EXPECT_EQ(table.choose(ip("198.51.100.7"), kAny)->name, "eth1");
    EXPECT_EQ(table.choose(ip("192.0.2.7"), kAny)->name, "eth0") << "eth2 is down";
    EXPECT_EQ(table.choose(ip("203.0.113.7"), kAny)->name, "eth0") << "the lowest index";
    EXPECT_EQ(table.choose(ip("192.0.2.7"), [](const Link& one) { return one.name == "eth2"; })->name, "eth2");
    EXPECT_EQ(table.choose(ip("192.0.2.7"), [](const Link& one) { return one.name == "lo"; }), nullptr);
}

TEST_F(LinkTableOfANode, ForgetsWhatIsRemoved) {
    auto gone = address(3, "198.51.100.1/24");
    gone.removed = true;
    table.apply(gone);
    EXPECT_EQ(table.by_subnet(ip("198.51.100.7")), nullptr);
    auto unplugged = link(2, "eth0");
    unplugged.removed = true;
    table.apply(unplugged);
    EXPECT_EQ(table.find(2), nullptr);
    table.apply(address(2, "192.0.2.1/24"));
    EXPECT_EQ(table.find(2), nullptr) << "an address brings no link back";
}

TEST_F(LinkTableOfANode, TellsWhetherAnythingHasChanged) {
    EXPECT_FALSE(table.apply(link(2, "eth0")));
    EXPECT_TRUE(table.apply(link(2, "eth0", false)));
    EXPECT_TRUE(table.apply(link(2, "wan0", false)));
    EXPECT_TRUE(table.apply(link(9, "eth9")));
    EXPECT_FALSE(table.apply(address(3, "198.51.100.1/24")));
    EXPECT_TRUE(table.apply(address(3, "198.51.100.1/24", 0, false)));
    EXPECT_TRUE(table.apply(address(3, "198.51.100.2/32")));
    auto gone = address(3, "198.51.100.2/32");
    gone.removed = true;
    EXPECT_TRUE(table.apply(gone));
    EXPECT_FALSE(table.apply(gone));
    EXPECT_NE(table.find(2)->find(ip("192.0.2.1")), nullptr) << "a link that changes keeps its addresses";
    EXPECT_FALSE(table.apply(Answer{}));
}

TEST_F(LinkTableOfANode, SendsFromAnAddressThatIsItsOwn) {
    const Link& eth0 = *table.find(2);
    EXPECT_EQ(source_address(eth0, Family::ipv4, false, kNone), ip("192.0.2.1"));
    EXPECT_EQ(source_address(eth0, Family::ipv6, false, kNone), ip("fe80::1"));
    EXPECT_EQ(source_address(eth0, Family::ipv6, true, kNone), std::nullopt);
    EXPECT_EQ(source_address(eth0, Family::ipv4, false, [](const Ip& one) { return one == ip("192.0.2.1"); }),
              std::nullopt)
        << "a virtual address is no source";
    table.apply(address(4, "192.0.2.9/32", kOurAddressProtocol));
    EXPECT_EQ(source_address(*table.find(4), Family::ipv4, false, kNone), ip("192.0.2.2"));
    table.apply(address(3, "fe80::3/64", 0, false));
    EXPECT_EQ(source_address(*table.find(3), Family::ipv6, false, kNone), std::nullopt) << "tentative";
    table.apply(address(3, "fe80::3/64"));
    EXPECT_EQ(source_address(*table.find(3), Family::ipv6, false, kNone), ip("fe80::3"));
}

}  // namespace
}  // namespace steelyard::vip
