#include "sidecar/vip/leftovers.hpp"

#include <algorithm>
#include <set>

namespace steelyard::vip {

const RouterStatus* find_status(const std::optional<StateFile>& state, uint8_t id, Family family) {
    if (!state) return nullptr;
    const auto found = std::find_if(state->routers.begin(), state->routers.end(),
                                    [&](const RouterStatus& one) { return one.id == id && one.family == family; });
    return found == state->routers.end() ? nullptr : &*found;
}

std::vector<Leftover> leftovers(const LinkTable& links, const std::optional<StateFile>& state, const Config& config,
                                const std::vector<std::pair<uint8_t, Family>>& kept) {
    std::set<Prefix> keep;
    std::set<Prefix> configured;
    for (const auto& router : config.routers) {
        const bool goes_on = std::find(kept.begin(), kept.end(), std::pair(router.id, router.family)) != kept.end();
        (goes_on ? keep : configured).insert(router.addresses.begin(), router.addresses.end());
    }
    std::set<Prefix> listed;
    if (state) {
        for (const auto& status : state->routers) {
            if (status.state == RouterState::master) listed.insert(status.addresses.begin(), status.addresses.end());
        }
    }
    std::vector<Leftover> found;
    for (const auto& [index, link] : links.links()) {
        for (const auto& entry : link.addresses) {
            const bool ours = entry.protocol == kOurAddressProtocol;
            const bool was_held = listed.contains(entry.address) && (ours || entry.protocol == 0);
            if (keep.contains(entry.address)) continue;
            if (was_held || (ours && configured.contains(entry.address))) found.push_back({index, entry.address});
        }
    }
    return found;
}

}  // namespace steelyard::vip
