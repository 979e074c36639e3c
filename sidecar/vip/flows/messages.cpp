#include "sidecar/vip/flows/messages.hpp"

// The kernel's headers give way to these, not the reverse.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <endian.h>
#include <linux/inet_diag.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "sidecar/vip/flows/rules.hpp"
#include "sidecar/vip/net/netlink_message.hpp"
#include "sidecar/vip/net/netlink_octets.hpp"

namespace steelyard::vip {
namespace {

using netlink::aligned;
using netlink::attributes;
using netlink::Octets;
using netlink::read;
using netlink::Request;

constexpr int kMostErrno = 4095;  // MAX_ERRNO of linux/err.h
constexpr uint32_t kConnected = 1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_SYN_RECV | 1U << TCP_FIN_WAIT1 |
                                1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING |
                                1U << 12;  // TCP_NEW_SYN_RECV: before it is accepted

uint8_t number_of(FlowFamily family) {
    switch (family) {
        case FlowFamily::ip:
            return NFPROTO_IPV4;
        case FlowFamily::ip6:
            return NFPROTO_IPV6;
        case FlowFamily::arp:
            return NFPROTO_ARP;
    }
    return NFPROTO_UNSPEC;
}

uint8_t number_of(Family family) { return family == Family::ipv4 ? AF_INET : AF_INET6; }

nfgenmsg filter_head(uint8_t family, uint16_t resource = 0) { return {family, NFNETLINK_V0, htobe16(resource)}; }

uint16_t filter_type(int type) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type); }

void text(Request& request, uint16_t type, std::string_view value) {
    std::vector<uint8_t> octets(value.begin(), value.end());
    octets.push_back(0);
    request.attribute(type, octets);
}

void data(Request& request, uint16_t type, Octets value) {
    const size_t at = request.open(type);
    request.attribute(NFTA_DATA_VALUE, value);
    request.close(at);
}

void join(std::vector<uint8_t>& all, std::vector<uint8_t> one) { all.insert(all.end(), one.begin(), one.end()); }

// What the kernel is to do whole or not at all stands between these two.
std::vector<uint8_t> border(int type, uint32_t sequence) {
    return Request(static_cast<uint16_t>(type), 0, sequence)
        .append(filter_head(AF_UNSPEC, NFNL_SUBSYS_NFTABLES))
        .finish();
}

std::vector<uint8_t> element(bool add, uint32_t sequence, FlowFamily family, const FlowElement& element,
                             Milliseconds time) {
    Request request(filter_type(add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
                    add ? NLM_F_ACK | NLM_F_CREATE : NLM_F_ACK, sequence);
    request.append(filter_head(number_of(family)));
    text(request, NFTA_SET_ELEM_LIST_TABLE, kFlowTable);
    text(request, NFTA_SET_ELEM_LIST_SET, element.set);
    const size_t list = request.open(NFTA_SET_ELEM_LIST_ELEMENTS);
    const size_t one = request.open(NFTA_LIST_ELEM);
    data(request, NFTA_SET_ELEM_KEY, element.key.octets());
    if (add) {
        if (!element.value.empty()) data(request, NFTA_SET_ELEM_DATA, element.value);
        request.attribute_of(NFTA_SET_ELEM_TIMEOUT, htobe64(static_cast<uint64_t>(time.count())));
    }
    request.close(one);
    request.close(list);
    return request.finish();
}

// Calls `each(header, payload)` for every message that is whole.
template <class F>
void messages(Octets datagram, F each) {
    while (const auto head = read<nlmsghdr>(datagram)) {
        if (head->nlmsg_len < sizeof(nlmsghdr) || head->nlmsg_len > datagram.size()) return;
        each(*head, datagram.subspan(sizeof(nlmsghdr), head->nlmsg_len - sizeof(nlmsghdr)));
        datagram = datagram.subspan(std::min(aligned(head->nlmsg_len), datagram.size()));
    }
}

std::optional<Connection> parse_connection(Octets payload) {
    const auto found = read<inet_diag_msg>(payload);
    if (!found || (found->idiag_family != AF_INET && found->idiag_family != AF_INET6)) return std::nullopt;
    static_assert(sizeof(inet_diag_sockid) == std::tuple_size_v<decltype(Connection::id)>);
    Connection connection;
    std::memcpy(connection.id.data(), &found->id, connection.id.size());
    std::array<uint8_t, 16> source{};
    std::memcpy(source.data(), found->id.idiag_src, source.size());
    constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    connection.socket = found->idiag_family == AF_INET ? Family::ipv4 : Family::ipv6;
    if (connection.socket == Family::ipv4) {
        connection.local = Ip::from(Octets(source).first(4));
    } else if (std::equal(kMapped.begin(), kMapped.end(), source.begin())) {
        connection.local = Ip::from(Octets(source).last(4));
    } else {
        connection.local = Ip::from(source);
    }
    return connection;
}

}  // namespace

std::vector<uint8_t> element_batch(bool add, uint32_t sequence, FlowFamily family,
                                   std::span<const FlowElement> elements, Milliseconds time) {
    std::vector<uint8_t> all = border(NFNL_MSG_BATCH_BEGIN, sequence);
    for (const auto& one : elements) join(all, element(add, ++sequence, family, one, time));
    join(all, border(NFNL_MSG_BATCH_END, ++sequence));
    return all;
}

std::vector<uint8_t> table_removal(uint32_t sequence, FlowFamily family) {
    std::vector<uint8_t> all = border(NFNL_MSG_BATCH_BEGIN, sequence);
    Request request(filter_type(NFT_MSG_DELTABLE), NLM_F_ACK, sequence + 1);
    request.append(filter_head(number_of(family)));
    text(request, NFTA_TABLE_NAME, kFlowTable);
    join(all, request.finish());
    join(all, border(NFNL_MSG_BATCH_END, sequence + 2));
    return all;
}

std::vector<uint8_t> local_route_request(bool add, uint32_t sequence, const Ip& ip, int index) {
    rtmsg head{};
    head.rtm_family = number_of(ip.family);
    head.rtm_dst_len = static_cast<uint8_t>(ip.size() * 8);
    head.rtm_table = RT_TABLE_LOCAL;
    head.rtm_protocol = kOurAddressProtocol;
    head.rtm_scope = RT_SCOPE_HOST;
    head.rtm_type = RTN_LOCAL;
    // Beside the interface's own, which goes with the address.
    const unsigned flags = add ? NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND : NLM_F_ACK;
    return Request(add ? RTM_NEWROUTE : RTM_DELROUTE, flags, sequence)
        .append(head)
        .attribute(RTA_DST, ip.octets())
        .attribute_of(RTA_OIF, index)
        .finish();
}

std::vector<uint8_t> local_routes_request(Family family, uint32_t sequence) {
    rtmsg head{};
    head.rtm_family = number_of(family);
    head.rtm_table = RT_TABLE_LOCAL;
    return Request(RTM_GETROUTE, NLM_F_DUMP, sequence).append(head).finish();
}

std::vector<Ip> parse_local_routes(Octets datagram) {
    std::vector<Ip> found;
    messages(datagram, [&](const nlmsghdr& head, Octets payload) {
        const auto route = read<rtmsg>(payload);
        if (head.nlmsg_type != RTM_NEWROUTE || !route) return;
        if (route->rtm_protocol != kOurAddressProtocol || route->rtm_table != RT_TABLE_LOCAL ||
            route->rtm_type != RTN_LOCAL) {
            return;
        }
        const size_t size = route->rtm_family == AF_INET ? 4 : 16;
        if (route->rtm_dst_len != size * 8) return;
        attributes(payload.subspan(aligned(sizeof(rtmsg))), [&](int type, Octets value) {
            if (type == RTA_DST && value.size() == size) found.push_back(Ip::from(value));
        });
    });
    return found;
}

std::vector<uint8_t> connections_request(Family socket, uint32_t sequence) {
    inet_diag_req_v2 head{};
    head.sdiag_family = number_of(socket);
    head.sdiag_protocol = IPPROTO_TCP;
    head.idiag_states = kConnected;
    return Request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sequence).append(head).finish();
}

ConnectionList parse_connections(Octets datagram, uint32_t sequence) {
    ConnectionList list;
    messages(datagram, [&](const nlmsghdr& head, Octets payload) {
        if (head.nlmsg_seq != sequence) return;
        if (head.nlmsg_type == NLMSG_DONE) list.end = true;
        if (head.nlmsg_type == NLMSG_ERROR) {
            const int error = read<int>(payload).value_or(0);
            if (error < 0 && error >= -kMostErrno) list.error = -error;
        }
        if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return;
        if (auto connection = parse_connection(payload)) list.connections.push_back(*connection);
    });
    return list;
}

std::vector<uint8_t> reset_request(const Connection& connection, uint32_t sequence) {
    inet_diag_req_v2 head{};
    head.sdiag_family = number_of(connection.socket);
    head.sdiag_protocol = IPPROTO_TCP;
    head.idiag_states = kConnected;
    std::memcpy(&head.id, connection.id.data(), connection.id.size());
    return Request(SOCK_DESTROY, NLM_F_ACK, sequence).append(head).finish();
}

}  // namespace steelyard::vip
