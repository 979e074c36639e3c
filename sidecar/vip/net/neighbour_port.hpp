#pragma once
// Tells an interface's neighbours where addresses are, and hears who else claims them. Also answers for addresses that the kernel does not
// have (a master that does not accept traffic to them). Bounded reads; filters keep other ARP away. One thread.
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "common/result.hpp"
#include "sidecar/reactor/fd.hpp"
#include "sidecar/vip/net/frames.hpp"
#include "sidecar/vip/net/ip.hpp"
#include "sidecar/vip/net/link_table.hpp"
#include "sidecar/vip/net/readable.hpp"

namespace steelyard::vip {

class NeighbourPort {
public:
    // A neighbour with `mac`, which is not ours, says that it has `ip`, which is held here.
    using OnClaim = std::function<void(const Ip& ip, const Mac& mac)>;

    static Result<std::unique_ptr<NeighbourPort>> open(boost::asio::io_context& io, const Link& link, OnClaim on_claim);

    void set_mac(const Mac& mac) { mac_ = mac; }
    // The addresses that are ours for now; `answered`: those of them that are not on the interface. Others' claims are heard of these.
    void set_held(const std::set<Ip>& held, const std::set<Ip>& answered);
    // IPv4: gratuitous ARP in both forms. IPv6: an unsolicited advertisement, and with `probe` a question that a foreign holder of the
    // address answers (in IPv4 the request is that question). True: all of it went out.
    bool announce(const Ip& ip, bool probe) const;

private:
    NeighbourPort(boost::asio::io_context& io, const Link& link, OnClaim on_claim);
    bool send(const Frame& frame) const;
    bool forwards() const;
    void listen_arp();
    void listen_icmp6();
    void on_arp();
    void on_icmp6();
    void join(const std::set<Ip>& answered);

    boost::asio::io_context& io_;
    int index_;
    std::string name_;
    Mac mac_;
    OnClaim on_claim_;
    UniqueFd sender_, arp_, icmp6_;
    std::unique_ptr<Readable> arp_readable_, icmp6_readable_;
    std::set<Ip> held_, answered_, joined_;
};

}  // namespace steelyard::vip
