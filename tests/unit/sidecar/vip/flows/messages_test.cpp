#include "sidecar/vip/flows/messages.hpp"

#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cstring>
#include <random>

#include "sidecar/vip/net/netlink_message.hpp"
#include "sidecar/vip/net/netlink_octets.hpp"

namespace steelyard::vip {
namespace {

using Octets = std::vector<uint8_t>;

const Ip kIpv4 = *Ip::parse("192.0.2.100");
const Ip kIpv6 = *Ip::parse("fd00:2::100");

struct Message {
    nlmsghdr head{};
    Octets payload;
};

std::vector<Message> split(std::span<const uint8_t> datagram) {
    std::vector<Message> all;
    while (const auto head = netlink::read<nlmsghdr>(datagram)) {
        if (head->nlmsg_len < sizeof *head || head->nlmsg_len > datagram.size()) break;
        all.push_back({*head, {datagram.begin() + sizeof *head, datagram.begin() + head->nlmsg_len}});
        datagram = datagram.subspan(netlink::aligned(head->nlmsg_len));
    }
    EXPECT_TRUE(datagram.empty()) << "all of it is whole messages";
    return all;
}

bool contains(const Octets& where, const Octets& what) {
    return std::search(where.begin(), where.end(), what.begin(), what.end()) != where.end();
}

TEST(FlowMessages, ElementsAreOneTransaction) {
    const Octets value{192, 0, 2, 12};
    const std::vector<FlowElement> elements{{"moved", kIpv4}, {"via", kIpv4, value}};
    const auto messages = split(element_batch(true, 7, FlowFamily::ip, elements, Milliseconds{60'000}));
    ASSERT_EQ(messages.size(), 4U);
    EXPECT_EQ(messages[0].head.nlmsg_type, NFNL_MSG_BATCH_BEGIN);
    EXPECT_EQ(messages[3].head.nlmsg_type, NFNL_MSG_BATCH_END);
    for (const size_t i : {1U, 2U}) {
        EXPECT_EQ(messages[i].head.nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM);
        EXPECT_EQ(messages[i].head.nlmsg_seq, 7 + i);
        EXPECT_TRUE((messages[i].head.nlmsg_flags & NLM_F_ACK) != 0);
        EXPECT_EQ(messages[i].payload[0], AF_INET);
        EXPECT_TRUE(
            contains(messages[i].payload, {'s', 't', 'e', 'e', 'l', 'y', 'a', 'r', 'd', '_', 'v', 'i', 'p', 0}));
        EXPECT_TRUE(contains(messages[i].payload, {192, 0, 2, 100}));
        EXPECT_TRUE(contains(messages[i].payload, {0, 0, 0, 0, 0, 0, 0xea, 0x60})) << "milliseconds, big end first";
    }
    EXPECT_TRUE(contains(messages[2].payload, value));
    const auto removal =
        split(element_batch(false, 7, FlowFamily::ip6, std::vector<FlowElement>{{"moved", kIpv6}}, {}));
    ASSERT_EQ(removal.size(), 3U);
    EXPECT_EQ(removal[1].head.nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM);
    EXPECT_EQ(removal[1].payload[0], AF_INET6);
}

// What is built for the kernel to add is what the kernel lists.
TEST(FlowMessages, ALocalRouteIsOursAndIsFoundAgain) {
    for (const Ip& ip : {kIpv4, kIpv6}) {
        const auto request = local_route_request(true, 1, ip, 1);
        EXPECT_EQ(parse_local_routes(request), std::vector<Ip>{ip});
        auto foreign = request;
        foreign[sizeof(nlmsghdr) + offsetof(rtmsg, rtm_protocol)] = RTPROT_KERNEL;
        EXPECT_TRUE(parse_local_routes(foreign).empty());
        auto elsewhere = request;
        elsewhere[sizeof(nlmsghdr) + offsetof(rtmsg, rtm_table)] = RT_TABLE_MAIN;
        EXPECT_TRUE(parse_local_routes(elsewhere).empty());
        auto net = request;
        net[sizeof(nlmsghdr) + offsetof(rtmsg, rtm_dst_len)] = 24;
        EXPECT_TRUE(parse_local_routes(net).empty());
    }
}

Octets socket_message(uint8_t family, const std::array<uint8_t, 16>& source, uint32_t sequence) {
    inet_diag_msg body{};
    body.idiag_family = family;
    std::memcpy(body.id.idiag_src, source.data(), source.size());
    body.id.idiag_cookie[0] = 77;
    netlink::Request request(SOCK_DIAG_BY_FAMILY, 0, sequence);
    return request.append(body).finish();
}

Octets answer(uint16_t type, int error, uint32_t sequence) {
    netlink::Request request(type, 0, sequence);
    return request.append(error).finish();
}

TEST(FlowMessages, ConnectionsAreListedByTheirLocalAddress) {
    Octets all = socket_message(AF_INET, {192, 0, 2, 100, 9, 9}, 5);
    const auto add = [&](const Octets& one) { all.insert(all.end(), one.begin(), one.end()); };
    add(socket_message(AF_INET6, {0xfd, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 5));
    add(socket_message(AF_INET6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 100}, 5));
    add(socket_message(AF_INET, {192, 0, 2, 101}, 4));
    add(socket_message(AF_UNIX, {1}, 5));
    const auto part = parse_connections(all, 5);
    ASSERT_EQ(part.connections.size(), 3U) << "one is of another list, one is no IP socket";
    EXPECT_FALSE(part.end);
    EXPECT_EQ(part.connections[0].local, kIpv4);
    EXPECT_EQ(part.connections[1].local, kIpv6);
    EXPECT_EQ(part.connections[2].local, kIpv4) << "of a socket for both families";
    EXPECT_EQ(part.connections[2].socket, Family::ipv6);
    EXPECT_TRUE(parse_connections(answer(NLMSG_DONE, 0, 5), 5).end);
    EXPECT_FALSE(parse_connections(answer(NLMSG_DONE, 0, 4), 5).end);
    EXPECT_EQ(parse_connections(answer(NLMSG_ERROR, -EPERM, 5), 5).error, EPERM);
}

TEST(FlowMessages, AResetNamesTheConnectionAsTheKernelDid) {
    const auto part = parse_connections(socket_message(AF_INET6, {0xfd, 0, 0, 2}, 5), 5);
    ASSERT_EQ(part.connections.size(), 1U);
    const auto request = split(reset_request(part.connections[0], 9));
    ASSERT_EQ(request.size(), 1U);
    EXPECT_EQ(request[0].head.nlmsg_type, SOCK_DESTROY);
    const auto body = netlink::read<inet_diag_req_v2>(request[0].payload);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->sdiag_family, AF_INET6);
    EXPECT_EQ(body->id.idiag_cookie[0], 77U);
}

TEST(FlowMessages, WhatIsTruncatedOrRandomIsNothing) {
    std::mt19937 random(7);
    const auto whole = socket_message(AF_INET6, {0xfd}, 5);
    const auto route = local_route_request(true, 5, kIpv6, 1);
    for (size_t size = 0; size < whole.size(); ++size) {
        EXPECT_TRUE(
            parse_connections(Octets(whole.begin(), whole.begin() + static_cast<long>(size)), 5).connections.empty());
    }
    for (size_t size = 0; size < route.size(); ++size) {
        EXPECT_TRUE(parse_local_routes(Octets(route.begin(), route.begin() + static_cast<long>(size))).empty());
    }
    for (int round = 0; round < 20'000; ++round) {
        Octets octets = round % 2 == 0 ? whole : route;
        for (int change = 0; change < 4; ++change) octets[random() % octets.size()] = static_cast<uint8_t>(random());
        octets.resize(random() % (octets.size() + 1));
        octets.shrink_to_fit();
        parse_connections(octets, 5);
        parse_local_routes(octets);
    }
}

}  // namespace
}  // namespace steelyard::vip
