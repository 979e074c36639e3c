#include "sidecar/vip/net/netlink_message.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "sidecar/vip/net/netlink_octets.hpp"

namespace steelyard::vip {
namespace {

constexpr int kMostErrno = 4095;  // MAX_ERRNO of linux/err.h

using netlink::aligned;
using netlink::attributes;
using netlink::Octets;
using netlink::read;
using netlink::Request;

constexpr uint32_t kForever = 0xffffffff;

std::string text_of(Octets octets) {
    const auto end = std::find(octets.begin(), octets.end(), uint8_t{0});
    return {octets.begin(), end};
}

std::optional<NetlinkMessage> parse_link(Octets payload, bool removed) {
    const auto head = read<ifinfomsg>(payload);
    if (!head || head->ifi_index <= 0) return std::nullopt;
    LinkMessage link;
    link.removed = removed;
    link.index = head->ifi_index;
    link.up = (head->ifi_flags & IFF_UP) != 0 && (head->ifi_flags & IFF_RUNNING) != 0;
    link.loopback = (head->ifi_flags & IFF_LOOPBACK) != 0;
    attributes(payload.subspan(aligned(sizeof(ifinfomsg))), [&](int type, Octets value) {
        if (type == IFLA_IFNAME) link.name = text_of(value);
        if (type == IFLA_ADDRESS && value.size() == link.mac.size() && head->ifi_type == ARPHRD_ETHER) {
            std::copy(value.begin(), value.end(), link.mac.begin());
            link.ethernet = true;
        }
    });
    if (link.name.empty()) return std::nullopt;
    return link;
}

std::optional<NetlinkMessage> parse_address(Octets payload, bool removed) {
    const auto head = read<ifaddrmsg>(payload);
    if (!head || (head->ifa_family != AF_INET && head->ifa_family != AF_INET6)) return std::nullopt;
    const size_t size = head->ifa_family == AF_INET ? 4 : 16;
    if (head->ifa_prefixlen > size * 8) return std::nullopt;
    AddressMessage found;
    found.removed = removed;
    found.index = static_cast<int>(head->ifa_index);
    found.link_scope = head->ifa_scope == RT_SCOPE_LINK;
    uint32_t flags = head->ifa_flags;
    std::optional<Ip> local;
    std::optional<Ip> address;
    attributes(payload.subspan(aligned(sizeof(ifaddrmsg))), [&](int type, Octets value) {
        if (type == IFA_LOCAL && value.size() == size) local = Ip::from(value);
        if (type == IFA_ADDRESS && value.size() == size) address = Ip::from(value);
        if (type == IFA_FLAGS) flags = read<uint32_t>(value).value_or(flags);
        if (type == IFA_PROTO && !value.empty()) found.protocol = value[0];
    });
    if (!local && !address) return std::nullopt;
    found.address = {local ? *local : *address, head->ifa_prefixlen};
    const bool tentative = (flags & IFA_F_TENTATIVE) != 0 && (flags & IFA_F_OPTIMISTIC) == 0;
    found.usable = !tentative && (flags & IFA_F_DADFAILED) == 0;
    return found;
}

std::optional<NetlinkMessage> parse_route(Octets payload) {
    const auto head = read<rtmsg>(payload);
    if (!head || head->rtm_dst_len != 0 || head->rtm_type != RTN_UNICAST || head->rtm_table != RT_TABLE_MAIN) {
        return std::nullopt;
    }
    DefaultRoute route;
    attributes(payload.subspan(aligned(sizeof(rtmsg))), [&](int type, Octets value) {
        if (type == RTA_OIF) route.index = read<int>(value).value_or(0);
        if (type == RTA_PRIORITY) route.metric = read<uint32_t>(value).value_or(0);
        if (type == RTA_MULTIPATH && route.index == 0) {
            if (const auto hop = read<rtnexthop>(value)) route.index = hop->rtnh_ifindex;
        }
    });
    if (route.index <= 0) return std::nullopt;
    return route;
}

std::optional<NetlinkMessage> parse_one(const nlmsghdr& head, Octets payload) {
    switch (head.nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
            return parse_link(payload, head.nlmsg_type == RTM_DELLINK);
        case RTM_NEWADDR:
        case RTM_DELADDR:
            return parse_address(payload, head.nlmsg_type == RTM_DELADDR);
        case RTM_NEWROUTE:
            return parse_route(payload);
        case NLMSG_DONE:
            return Answer{head.nlmsg_seq, 0, true};
        case NLMSG_ERROR:
            // 0 or a negated errno; anything else is no answer.
            if (const auto error = read<int>(payload); error && *error <= 0 && *error >= -kMostErrno) {
                return Answer{head.nlmsg_seq, -*error, false};
            }
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

}  // namespace

std::vector<NetlinkMessage> parse_netlink(Octets datagram) {
    std::vector<NetlinkMessage> messages;
    while (const auto head = read<nlmsghdr>(datagram)) {
        if (head->nlmsg_len < sizeof(nlmsghdr) || head->nlmsg_len > datagram.size()) break;
        const auto payload = datagram.subspan(sizeof(nlmsghdr), head->nlmsg_len - sizeof(nlmsghdr));
        if (auto message = parse_one(*head, payload)) messages.push_back(std::move(*message));
        datagram = datagram.subspan(std::min(aligned(head->nlmsg_len), datagram.size()));
    }
    return messages;
}

std::vector<uint8_t> address_request(bool add, uint32_t sequence, int index, const Prefix& address) {
    const bool ipv6 = address.ip.family == Family::ipv6;
    ifaddrmsg head{};
    head.ifa_family = ipv6 ? AF_INET6 : AF_INET;
    head.ifa_prefixlen = address.length;
    head.ifa_index = static_cast<uint32_t>(index);
    head.ifa_scope = ipv6 && address.ip.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    if (!add) {
        return Request(RTM_DELADDR, NLM_F_ACK, sequence)
            .append(head)
            .attribute(IFA_LOCAL, address.ip.octets())
            .finish();
    }
    Request request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sequence);
    request.append(head).attribute(IFA_LOCAL, address.ip.octets()).attribute(IFA_ADDRESS, address.ip.octets());
    if (ipv6) {
        request.attribute_of(IFA_FLAGS, uint32_t{IFA_F_NODAD});
        // Deprecated from the beginning: answered at, but no source for connections of the node's own.
        request.attribute_of(IFA_CACHEINFO, ifa_cacheinfo{0, kForever, 0, 0});
    }
    return request.attribute_of(IFA_PROTO, kOurAddressProtocol).finish();
}

std::vector<uint8_t> dump_request(Dump what, uint32_t sequence) {
    if (what == Dump::links) return Request(RTM_GETLINK, NLM_F_DUMP, sequence).append(ifinfomsg{}).finish();
    if (what == Dump::addresses) return Request(RTM_GETADDR, NLM_F_DUMP, sequence).append(ifaddrmsg{}).finish();
    rtmsg head{};
    head.rtm_family = what == Dump::routes_ipv6 ? AF_INET6 : AF_INET;
    return Request(RTM_GETROUTE, NLM_F_DUMP, sequence).append(head).finish();
}

}  // namespace steelyard::vip
