// Who may hold which virtual router by a Lease, as the resources say.
#include <algorithm>

#include "controller/push/cache.hpp"
#include "controller/push/cache_entry.hpp"

namespace steelyard::push {

std::array<uint32_t, 256> PushCache::leases_for(std::string_view node) const {
    std::array<uint32_t, 256> out{};
    for (const auto& [name, entry] : virtual_ips_) {
        const auto* ip = entry->get<config::VirtualIp>();
        if (ip == nullptr) continue;
        const bool may = ip->nodes.empty() || std::find(ip->nodes.begin(), ip->nodes.end(), node) != ip->nodes.end();
        if (may) out[ip->router_id] = std::max(out[ip->router_id], ip->lease_duration_ms);
    }
    return out;
}

std::bitset<256> PushCache::leased_routers() const {
    std::bitset<256> out;
    for (const auto& [name, entry] : virtual_ips_) {
        const auto* ip = entry->get<config::VirtualIp>();
        if (ip != nullptr && ip->lease_duration_ms != 0) out.set(ip->router_id);
    }
    return out;
}

}  // namespace steelyard::push
