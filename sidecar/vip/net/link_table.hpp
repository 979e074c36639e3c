#pragma once
// The node's interfaces and addresses, as rtnetlink tells of them, and which interface an address belongs to. Pure.
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sidecar/vip/net/netlink_message.hpp"

namespace steelyard::vip {

struct LinkAddress {
    Prefix address;
    uint8_t protocol = 0;
    bool usable = true;

    friend bool operator==(const LinkAddress&, const LinkAddress&) = default;
};

struct Link {
    int index = 0;
    std::string name;
    bool up = false;
    bool loopback = false;
    bool ethernet = false;
    Mac mac{};
    std::vector<LinkAddress> addresses = {};

    const LinkAddress* find(const Ip& ip) const;
};

class LinkTable {
public:
    // Links and addresses; others are passed over. An address of a link that is not known is, too. Whether anything has changed.
    bool apply(const NetlinkMessage& message);
    void clear() { links_.clear(); }

    const std::map<int, Link>& links() const { return links_; }
    const Link* find(int index) const;

    using Matches = std::function<bool(const Link&)>;
    // Of the links that match, never loopback: one that is up before others, then one whose subnet holds `ip`, then the lowest index.
    const Link* choose(const Ip& ip, const Matches& matches) const;
    // The link whose subnet (longer than /0, shorter than a single address) holds `ip`; the longest prefix wins.
    const Link* by_subnet(const Ip& ip) const;

private:
    std::map<int, Link> links_;
};

// The address that a link sends from: the first usable one of the family that `ours` does not name and that is not marked as ours.
// IPv6: a link-local one, unless `global` asks for another kind.
std::optional<Ip> source_address(const Link& link, Family family, bool global,
                                 const std::function<bool(const Ip&)>& ours);

}  // namespace steelyard::vip
