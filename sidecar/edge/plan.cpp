#include "sidecar/edge/plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace steelyard::edge {
namespace {

constexpr uint8_t kLeastPriority = 128;
constexpr uint8_t kPriorities = 120;
constexpr uint8_t kImpairedBy = 127;
constexpr uint8_t kDrainingPriority = 1;

uint64_t fnv1a64(std::string_view text, uint64_t hash = 14695981039346656037ULL) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return hash;
}

uint64_t fmix64(uint64_t value) {
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ (value >> 33);
}

// The VirtualIps of one router id.
struct Group {
    const config::VirtualIp* first = nullptr;
    std::vector<const config::VirtualIp*> members;
    Standing best = Standing::unfit;
    bool impaired = false;
};

std::vector<vip::Ip> peers_of(const config::VirtualIp& ip, vip::Family family) {
    std::vector<vip::Ip> peers;
    for (const auto& text : ip.peers) {
        const auto peer = vip::Ip::parse(text);
        if (peer && peer->family == family && !vip::address_problem(*peer, family)) peers.push_back(*peer);
    }
    std::sort(peers.begin(), peers.end());
    peers.erase(std::unique(peers.begin(), peers.end()), peers.end());
    return peers;
}

class Planner {
public:
    explicit Planner(Plan& plan) : plan_(plan) {}

    void add(const Group& group, vip::Family family, uint8_t priority) {
        vip::Router router;
        router.id = group.first->router_id;
        router.family = family;
        for (const auto* member : group.members) add_addresses(*member, router);
        if (router.addresses.empty()) return;
        if (plan_.config.routers.size() == vip::kMaxRouters) {
            return leave_out(*group.first, "there are " + std::to_string(vip::kMaxRouters) + " routers already");
        }
        std::sort(router.addresses.begin(), router.addresses.end());
        router.interfaces = group.first->interfaces;
        router.priority = priority;
        router.advertisement_interval = Milliseconds{group.first->advertisement_interval_ms};
        router.preempt = group.first->preempt;
        router.preempt_delay = Milliseconds{group.first->preempt_delay_ms};
        router.accept = group.first->accept;
        if (group.first->lease_duration_ms != 0) {
            router.lease_until_ms = 0;  // nor peers: nothing is sent
        } else {
            router.peers = peers_of(*group.first, family);
            // Unicast was asked for: multicast would be heard by others.
            if (router.peers.empty() && !group.first->peers.empty()) {
                return leave_out(*group.first, std::string("none of its peers is one of ") + vip::to_string(family));
            }
        }
        plan_.config.routers.push_back(std::move(router));
    }
    void claim(const config::VirtualIp& ip, uint8_t priority) {
        plan_.leases.push_back({ip.router_id, priority, Milliseconds{ip.lease_duration_ms}, ip.preempt,
                                Milliseconds{ip.preempt_delay_ms}});
    }

private:
    void add_addresses(const config::VirtualIp& ip, vip::Router& router) {
        for (const auto& text : ip.addresses) {
            const auto address = vip::Prefix::parse(text);
            if (!address || address->ip.family != router.family) continue;
            if (const auto problem = vip::address_problem(address->ip, router.family)) {
                leave_out(ip, "address " + text + " " + *problem);
                continue;
            }
            const auto [owner, fresh] = owners_.emplace(*address, router.id);
            if (!fresh && owner->second != router.id) {
                leave_out(ip, "address " + text + " belongs to router " + std::to_string(owner->second) + " already");
            } else if (fresh && router.addresses.size() == vip::kMaxRouterAddresses) {
                leave_out(ip, "router " + std::to_string(router.id) + " has " +
                                  std::to_string(vip::kMaxRouterAddresses) + " addresses already");
            } else if (fresh) {
                router.addresses.push_back(*address);
            }
        }
    }
    void leave_out(const config::VirtualIp& ip, const std::string& why) {
        plan_.problems.push_back("virtual IP " + ip.name + ": " + why + "; that is left out");
    }

    Plan& plan_;
    std::map<vip::Prefix, uint8_t> owners_;
};

}  // namespace

uint8_t priority_of(std::string_view node, uint8_t router_id) {
    const uint64_t hash = fmix64(fnv1a64(std::to_string(router_id), fnv1a64("\n", fnv1a64(node))));
    return static_cast<uint8_t>(kLeastPriority + hash % kPriorities);
}

Plan make_plan(const config::VirtualIps& ips, std::string_view node, bool draining,
               const std::function<Standing(const config::VirtualIp&)>& standing) {
    std::map<uint8_t, Group> groups;
    for (const auto& [name, ip] : ips) {
        Group& group = groups[ip->router_id];
        if (group.first == nullptr) group.first = ip.get();
        group.members.push_back(ip.get());
        const Standing its = standing(*ip);
        group.best = std::min(group.best, its);
        group.impaired |= its == Standing::impaired;
    }
    Plan plan;
    Planner planner(plan);
    for (const auto& [id, group] : groups) {
        if (group.best == Standing::unfit) continue;
        uint8_t priority = priority_of(node, id);
        if (group.impaired) priority = static_cast<uint8_t>(priority - kImpairedBy);
        if (draining) priority = kDrainingPriority;
        const size_t before = plan.config.routers.size();
        for (const auto family : {vip::Family::ipv4, vip::Family::ipv6}) planner.add(group, family, priority);
        const bool by_lease = group.first->lease_duration_ms != 0;
        if (by_lease && !draining && plan.config.routers.size() > before) planner.claim(*group.first, priority);
    }
    return plan;
}

}  // namespace steelyard::edge
