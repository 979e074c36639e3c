#include "sidecar/vip/net/netlink_message.hpp"

#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>
#include <limits>
#include <random>

namespace steelyard::vip {
namespace {

using Octets = std::vector<uint8_t>;

template <class T>
void put(Octets& out, const T& value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    out.insert(out.end(), from, from + sizeof value);
    out.resize((out.size() + 3) & ~size_t{3});
}

void put_attribute(Octets& out, uint16_t type, const Octets& value) {
    put(out, rtattr{static_cast<unsigned short>(sizeof(rtattr) + value.size()), type});
    out.insert(out.end(), value.begin(), value.end());
    out.resize((out.size() + 3) & ~size_t{3});
}

template <class T>
Octets message(uint16_t type, const T& head, const std::vector<std::pair<uint16_t, Octets>>& attributes) {
    Octets body;
    put(body, head);
    for (const auto& [kind, value] : attributes) put_attribute(body, kind, value);
    Octets all;
    nlmsghdr outer{};
    outer.nlmsg_len = static_cast<uint32_t>(sizeof outer + body.size());
    outer.nlmsg_type = type;
    put(all, outer);
    all.insert(all.end(), body.begin(), body.end());
    return all;
}

ifinfomsg link_head(unsigned flags) {
    ifinfomsg head{};
    head.ifi_index = 3;
    head.ifi_type = ARPHRD_ETHER;
    head.ifi_flags = flags;
    return head;
}

const Octets kName{'e', 't', 'h', '0', 0};
const Octets kMac{2, 0, 0, 0, 0, 9};

TEST(ParseNetlink, ALinkIsUpWhenItIsSetUpAndHasACarrier) {
    for (const auto& [flags, up] : {std::pair{IFF_UP | IFF_RUNNING, true}, {IFF_UP, false}, {IFF_RUNNING, false}}) {
        const auto parsed = parse_netlink(message(RTM_NEWLINK, link_head(static_cast<unsigned>(flags)),
                                                  {{IFLA_IFNAME, kName}, {IFLA_ADDRESS, kMac}}));
        ASSERT_EQ(parsed.size(), 1U);
        const auto& link = std::get<LinkMessage>(parsed[0]);
        EXPECT_EQ(link.name, "eth0");
        EXPECT_EQ(link.index, 3);
        EXPECT_EQ(link.up, up) << flags;
        EXPECT_TRUE(link.ethernet);
        EXPECT_EQ(link.mac[5], 9);
    }
}

TEST(ParseNetlink, AnAddressIsUsableOnceItIsKnownToBeSingle) {
    ifaddrmsg head{};
    head.ifa_family = AF_INET6;
    head.ifa_prefixlen = 64;
    head.ifa_index = 3;
    const Octets ip{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    for (const auto& [flags, usable] : {std::pair{0, true},
                                        {IFA_F_TENTATIVE, false},
                                        {IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, true},
                                        {IFA_F_PERMANENT | IFA_F_DADFAILED, false}}) {
        const Octets wide{static_cast<uint8_t>(flags & 255), static_cast<uint8_t>(flags >> 8), 0, 0};
        const auto parsed = parse_netlink(
            message(RTM_NEWADDR, head, {{IFA_ADDRESS, ip}, {IFA_FLAGS, wide}, {IFA_PROTO, {kOurAddressProtocol}}}));
        ASSERT_EQ(parsed.size(), 1U);
        const auto& address = std::get<AddressMessage>(parsed[0]);
        EXPECT_EQ(address.address.to_string(), "fe80::1/64");
        EXPECT_EQ(address.protocol, kOurAddressProtocol);
        EXPECT_EQ(address.usable, usable) << flags;
    }
}

TEST(ParseNetlink, OnlyDefaultRoutesOfTheMainTableCount) {
    rtmsg head{};
    head.rtm_family = AF_INET;
    head.rtm_table = RT_TABLE_MAIN;
    head.rtm_type = RTN_UNICAST;
    const std::vector<std::pair<uint16_t, Octets>> attributes{{RTA_OIF, {3, 0, 0, 0}}, {RTA_PRIORITY, {100, 0, 0, 0}}};
    const auto parsed = parse_netlink(message(RTM_NEWROUTE, head, attributes));
    ASSERT_EQ(parsed.size(), 1U);
    EXPECT_EQ(std::get<DefaultRoute>(parsed[0]).index, 3);
    EXPECT_EQ(std::get<DefaultRoute>(parsed[0]).metric, 100U);
    head.rtm_dst_len = 8;
    EXPECT_TRUE(parse_netlink(message(RTM_NEWROUTE, head, attributes)).empty());
    head.rtm_dst_len = 0;
    head.rtm_table = RT_TABLE_LOCAL;
    EXPECT_TRUE(parse_netlink(message(RTM_NEWROUTE, head, attributes)).empty());
}

TEST(AddressRequest, IsWhatTheKernelWouldTellBack) {
    for (const char* text : {"192.0.2.7/32", "192.0.2.7/24", "2001:db8::7/128", "fe80::7/128"}) {
        const auto prefix = *Prefix::parse(text);
        for (const bool add : {true, false}) {
            const auto request = address_request(add, 42, 3, prefix);
            nlmsghdr head{};
            std::memcpy(&head, request.data(), sizeof head);
            EXPECT_EQ(head.nlmsg_len, request.size());
            EXPECT_EQ(head.nlmsg_seq, 42U);
            EXPECT_EQ(head.nlmsg_type, add ? RTM_NEWADDR : RTM_DELADDR);
            EXPECT_NE(head.nlmsg_flags & NLM_F_ACK, 0);
            const auto parsed = parse_netlink(request);
            ASSERT_EQ(parsed.size(), 1U);
            const auto& address = std::get<AddressMessage>(parsed[0]);
            EXPECT_EQ(address.address, prefix);
            EXPECT_EQ(address.index, 3);
            EXPECT_EQ(address.removed, !add);
            EXPECT_EQ(address.protocol, add ? kOurAddressProtocol : 0);
            EXPECT_EQ(address.link_scope, prefix.ip.is_link_local());
        }
    }
}

TEST(ParseNetlink, TellsAnswersAndEndsOfLists) {
    nlmsghdr head{};
    head.nlmsg_seq = 9;
    head.nlmsg_type = NLMSG_ERROR;
    head.nlmsg_len = sizeof head + 4;
    Octets datagram;
    put(datagram, head);
    put(datagram, int{-EEXIST});
    head.nlmsg_type = NLMSG_DONE;
    put(datagram, head);
    put(datagram, int{0});
    const auto parsed = parse_netlink(datagram);
    ASSERT_EQ(parsed.size(), 2U);
    EXPECT_EQ(std::get<Answer>(parsed[0]).error, EEXIST);
    EXPECT_EQ(std::get<Answer>(parsed[0]).sequence, 9U);
    EXPECT_TRUE(std::get<Answer>(parsed[1]).dump_end);
}

TEST(ParseNetlink, AnErrorThatIsNoErrnoIsNoAnswer) {
    for (const int error : {1, -4096, std::numeric_limits<int>::min()}) {
        nlmsghdr head{};
        head.nlmsg_type = NLMSG_ERROR;
        head.nlmsg_len = sizeof head + 4;
        Octets datagram;
        put(datagram, head);
        put(datagram, error);
        EXPECT_TRUE(parse_netlink(datagram).empty()) << error;
    }
}

TEST(ParseNetlink, BearsWhatIsCutOffOrChanged) {
    Octets datagram = message(RTM_NEWLINK, link_head(IFF_UP), {{IFLA_IFNAME, kName}, {IFLA_ADDRESS, kMac}});
    const auto request = address_request(true, 1, 3, *Prefix::parse("2001:db8::7"));
    datagram.insert(datagram.end(), request.begin(), request.end());
    for (size_t size = 0; size < datagram.size(); ++size) {
        const Octets cut(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_LE(parse_netlink(cut).size(), 1U);
    }
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        Octets changed = datagram;
        for (int n = 0; n < 4; ++n) changed[random() % changed.size()] = static_cast<uint8_t>(random());
        EXPECT_LE(parse_netlink(changed).size(), changed.size());
    }
}

}  // namespace
}  // namespace steelyard::vip
