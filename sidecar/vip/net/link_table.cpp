#include "sidecar/vip/net/link_table.hpp"

#include <algorithm>
#include <tuple>

namespace steelyard::vip {
namespace {

// How long the subnet of `link` is that holds `ip`; 0: none does.
unsigned subnet_length(const Link& link, const Ip& ip) {
    unsigned longest = 0;
    for (const auto& entry : link.addresses) {
        const bool single = entry.address.length == entry.address.ip.size() * 8;
        if (!single && entry.address.contains(ip)) longest = std::max<unsigned>(longest, entry.address.length);
    }
    return longest;
}

bool update(Link& link, const AddressMessage& message) {
    const auto same = [&](const LinkAddress& entry) { return entry.address == message.address; };
    const auto found = std::find_if(link.addresses.begin(), link.addresses.end(), same);
    if (message.removed) {
        if (found == link.addresses.end()) return false;
        link.addresses.erase(found);
        return true;
    }
    const LinkAddress entry{message.address, message.protocol, message.usable};
    if (found == link.addresses.end()) {
        link.addresses.push_back(entry);
        return true;
    }
    const bool changed = *found != entry;
    *found = entry;
    return changed;
}

}  // namespace

const LinkAddress* Link::find(const Ip& ip) const {
    const auto found = std::find_if(addresses.begin(), addresses.end(),
                                    [&](const LinkAddress& entry) { return entry.address.ip == ip; });
    return found == addresses.end() ? nullptr : &*found;
}

bool LinkTable::apply(const NetlinkMessage& message) {
    if (const auto* link = std::get_if<LinkMessage>(&message)) {
        if (link->removed) return links_.erase(link->index) != 0;
        Link& known = links_[link->index];
        Link next{
            link->index, link->name, link->up, link->loopback, link->ethernet, link->mac, std::move(known.addresses)};
        const bool changed = known.index == 0 || known.name != next.name || known.up != next.up ||
                             known.loopback != next.loopback || known.ethernet != next.ethernet ||
                             known.mac != next.mac;
        known = std::move(next);
        return changed;
    }
    const auto* address = std::get_if<AddressMessage>(&message);
    const auto found = address == nullptr ? links_.end() : links_.find(address->index);
    return found != links_.end() && update(found->second, *address);
}

const Link* LinkTable::find(int index) const {
    const auto found = links_.find(index);
    return found == links_.end() ? nullptr : &found->second;
}

const Link* LinkTable::choose(const Ip& ip, const Matches& matches) const {
    const Link* best = nullptr;
    const auto rank = [&](const Link& link) { return std::make_tuple(link.up, subnet_length(link, ip)); };
    for (const auto& [index, link] : links_) {
        if (link.loopback || !matches(link)) continue;
        if (best == nullptr || rank(link) > rank(*best)) best = &link;
    }
    return best;
}

const Link* LinkTable::by_subnet(const Ip& ip) const {
    const Link* best = nullptr;
    unsigned longest = 0;
    for (const auto& [index, link] : links_) {
        const unsigned length = link.loopback ? 0 : subnet_length(link, ip);
        if (length > longest) {
            best = &link;
            longest = length;
        }
    }
    return best;
}

std::optional<Ip> source_address(const Link& link, Family family, bool global,
                                 const std::function<bool(const Ip&)>& ours) {
    for (const auto& entry : link.addresses) {
        const Ip& ip = entry.address.ip;
        if (ip.family != family || !entry.usable || entry.protocol == kOurAddressProtocol || ours(ip)) continue;
        if (family == Family::ipv6 && ip.is_link_local() == global) continue;
        return ip;
    }
    return std::nullopt;
}

}  // namespace steelyard::vip
