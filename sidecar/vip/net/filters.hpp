#pragma once
// Classic BPF programs that let a socket see only what is for us, so that others' packets do not wake the program. A list too long for a
// program gives one that lets everything through: the reader checks again anyway.
#include <linux/filter.h>

#include <cstdint>
#include <set>
#include <vector>

#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

using Filter = std::vector<sock_filter>;

// VRRP of these router ids. IPv4's raw sockets give the IP header, too; IPv6's begin behind it.
Filter vrrp_filter(Family family, const std::set<uint8_t>& router_ids);

// ARP (as SOCK_DGRAM packet sockets give it) whose sender claims one of `claimed`, or that asks for one of `answered`.
Filter arp_filter(const std::set<Ip>& claimed, const std::set<Ip>& answered);

// Replaces the socket's filter. What waited already went through the former one.
bool attach(int socket, const Filter& filter);

}  // namespace steelyard::vip
