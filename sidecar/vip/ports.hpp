#pragma once
// The sockets of the interfaces in use: one for VRRP for each interface and family, one for ARP and neighbour discovery for each interface,
// shared by all virtual routers there. Opened with the first router; forgotten when the interface is. One thread.
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>

#include "common/result.hpp"
#include "sidecar/vip/net/link_table.hpp"
#include "sidecar/vip/net/neighbour_port.hpp"
#include "sidecar/vip/net/vrrp_port.hpp"

namespace steelyard::vip {

class Ports {
public:
    // A virtual router. It may leave while it is called.
    class Member {
    public:
        virtual ~Member() = default;
        virtual void on_packet(const VrrpPacket& packet) = 0;
        virtual void on_claim(const Ip& ip, const Mac& mac) = 0;
    };
    struct Place {
        int index = 0;
        Family family = Family::ipv4;
        uint8_t router_id = 0;
        friend auto operator<=>(const Place&, const Place&) = default;
    };

    explicit Ports(boost::asio::io_context& io);
    ~Ports();

    // `vrrp`: it sends adverts, and hears those of its id.
    Result<void> join(const Link& link, const Place& place, Member& member, bool vrrp);
    void leave(const Place& place);
    // What the router at `place` holds; `answered`: not on the interface, so that we answer for it.
    void set_held(const Place& place, std::set<Ip> held, bool answered);
    int send(const Place& place, const Ip& source, const Ip& destination, std::span<const uint8_t> message) const;
    bool announce(const Place& place, const Ip& ip, bool probe) const;
    // Interfaces that are gone are forgotten; hardware addresses that changed are taken over.
    void follow(const LinkTable& links);

private:
    struct Interface;
    Result<Interface*> open(const Link& link, Family family, bool vrrp);
    void refresh_later(int index, Interface& interface);
    void refresh(Interface& interface) const;
    Interface* find(int index) const;

    boost::asio::io_context& io_;
    std::map<int, std::unique_ptr<Interface>> interfaces_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what was posted ends with it
};

}  // namespace steelyard::vip
