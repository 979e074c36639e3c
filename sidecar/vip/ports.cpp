#include "sidecar/vip/ports.hpp"

#include <cerrno>
#include <utility>

#include "common/net/asio.hpp"

namespace steelyard::vip {

struct Ports::Interface {
    struct Entry {
        Member* member = nullptr;
        bool vrrp = true;
        std::set<Ip> held = {};
        bool answered = false;
    };
    using Key = std::pair<Family, uint8_t>;

    void dispatch(Family family, const VrrpPacket& packet) const {
        // The filter has seen the id; what is too short for one never comes here.
        if (packet.message.size() < 2) return;
        const auto found = members.find({family, packet.message[1]});
        if (found != members.end()) found->second.member->on_packet(packet);
    }
    void claim(const Ip& ip, const Mac& mac) const {
        for (const auto& [key, entry] : members) {
            if (entry.held.contains(ip)) return entry.member->on_claim(ip, mac);
        }
    }
    VrrpPort* vrrp(Family family) const { return family == Family::ipv4 ? vrrp4.get() : vrrp6.get(); }

    std::map<Key, Entry> members;
    std::unique_ptr<NeighbourPort> neighbours;
    std::unique_ptr<VrrpPort> vrrp4, vrrp6;
    bool stale = false;  // what the sockets let through is about to be told anew
};

Ports::Ports(boost::asio::io_context& io) : io_(io) {}
Ports::~Ports() = default;

Ports::Interface* Ports::find(int index) const {
    const auto found = interfaces_.find(index);
    return found == interfaces_.end() ? nullptr : found->second.get();
}

Result<Ports::Interface*> Ports::open(const Link& link, Family family, bool with_vrrp) {
    auto made = std::make_unique<Interface>();
    Interface* interface = find(link.index);
    const bool known = interface != nullptr;
    if (!known) interface = made.get();
    if (!interface->neighbours) {
        auto port =
            NeighbourPort::open(io_, link, [interface](const Ip& ip, const Mac& mac) { interface->claim(ip, mac); });
        if (!port) return port.error();
        interface->neighbours = std::move(*port);
    }
    auto& vrrp = family == Family::ipv4 ? interface->vrrp4 : interface->vrrp6;
    if (with_vrrp && !vrrp) {
        auto port = VrrpPort::open(
            io_, link, family, [interface, family](const VrrpPacket& packet) { interface->dispatch(family, packet); });
        if (!port) return port.error();
        vrrp = std::move(*port);
    }
    if (!known) interfaces_.emplace(link.index, std::move(made));
    return interface;
}

Result<void> Ports::join(const Link& link, const Place& place, Member& member, bool vrrp) {
    auto interface = open(link, place.family, vrrp);
    if (!interface) return interface.error();
    (*interface)->members[{place.family, place.router_id}] = {&member, vrrp};
    refresh_later(place.index, **interface);
    return {};
}

void Ports::leave(const Place& place) {
    Interface* interface = find(place.index);
    if (interface == nullptr) return;
    interface->members.erase({place.family, place.router_id});
    refresh_later(place.index, *interface);
}

void Ports::set_held(const Place& place, std::set<Ip> held, bool answered) {
    Interface* interface = find(place.index);
    if (interface == nullptr) return;
    const auto found = interface->members.find({place.family, place.router_id});
    if (found == interface->members.end()) return;
    found->second.held = std::move(held);
    found->second.answered = answered;
    refresh_later(place.index, *interface);
}

// Once for all that happens in one turn: hundreds of routers change hands at the same moment.
void Ports::refresh_later(int index, Interface& interface) {
    if (std::exchange(interface.stale, true)) return;
    asio::post(io_, [this, index, alive = std::weak_ptr(alive_)] {
        Interface* found = alive.expired() ? nullptr : find(index);
        if (found == nullptr) return;
        found->stale = false;
        refresh(*found);
    });
}

// Sockets without a router stay open with a filter that passes nothing: an id that comes and goes costs nothing else.
void Ports::refresh(Interface& interface) const {
    std::set<uint8_t> ids4;
    std::set<uint8_t> ids6;
    std::set<Ip> held;
    std::set<Ip> answered;
    for (const auto& [key, entry] : interface.members) {
        if (entry.vrrp) (key.first == Family::ipv4 ? ids4 : ids6).insert(key.second);
        held.insert(entry.held.begin(), entry.held.end());
        if (entry.answered) answered.insert(entry.held.begin(), entry.held.end());
    }
    if (interface.vrrp4) interface.vrrp4->set_router_ids(ids4);
    if (interface.vrrp6) interface.vrrp6->set_router_ids(ids6);
    interface.neighbours->set_held(held, answered);
}

int Ports::send(const Place& place, const Ip& source, const Ip& destination, std::span<const uint8_t> message) const {
    const Interface* interface = find(place.index);
    const VrrpPort* port = interface == nullptr ? nullptr : interface->vrrp(place.family);
    return port == nullptr ? ENODEV : port->send(source, destination, message);
}

bool Ports::announce(const Place& place, const Ip& ip, bool probe) const {
    const Interface* interface = find(place.index);
    return interface != nullptr && interface->neighbours->announce(ip, probe);
}

void Ports::follow(const LinkTable& links) {
    for (auto entry = interfaces_.begin(); entry != interfaces_.end();) {
        const Link* link = links.find(entry->first);
        if (link == nullptr) {
            entry = interfaces_.erase(entry);
            continue;
        }
        entry->second->neighbours->set_mac(link->mac);
        ++entry;
    }
}

}  // namespace steelyard::vip
