#include "controller/ipam/router_table.hpp"

#include <tuple>

#include "controller/ipam/allocator.hpp"
#include "controller/ipam/state.hpp"

namespace steelyard::ipam {

bool ByAge::operator()(const Service* a, const Service* b) const {
    return std::tie(a->request.created, a->key) < std::tie(b->request.created, b->key);
}

bool RouterTable::admits(uint8_t id, const std::string& advertisement, bool local, bool shares,
                         const FamilyCounts& added) const {
    const Router& router = routers_.at(id);
    if (id == 0) return false;
    if (router.users.empty()) return true;
    if (!shares && (local || router.locals != 0 || router.advertisement != advertisement)) return false;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        if (router.addresses[family] + added[family] > kMaxAddressesPerRouter) return false;
    }
    return true;
}

std::optional<uint8_t> RouterTable::choose(const RouterIds& ids, bool local, const FamilyCounts& added) const {
    std::optional<uint8_t> best;
    for (unsigned id = ids.first; id <= ids.last; ++id) {
        const auto candidate = static_cast<uint8_t>(id);
        const Router& router = routers_.at(id);
        if (best && router.users.size() >= routers_.at(*best).users.size()) continue;
        if (!admits(candidate, ids.name, local, false, added)) continue;
        best = candidate;
        if (router.users.empty()) break;
    }
    return best;
}

}  // namespace steelyard::ipam
