#include "sidecar/runtime/capture.hpp"

#include <utility>

namespace steelyard {

bool Capture::update(const config::ConfigState& state, const config::ChangeSet& changes) {
    bool changed = false;
    for (const auto& name : changes.removed) changed |= known_.erase(name) != 0;
    for (const auto& name : changes.changed) {
        auto upstream = state.find(name).upstream;
        // A name that is unknown may be another's alias.
        if (!upstream || upstream->name != name || upstream->cluster_ips.empty() ||
            upstream->protocol == config::Protocol::udp) {
            changed |= known_.erase(name) != 0;
            continue;
        }
        auto& known = known_[name];
        changed |= !known || known->cluster_ips != upstream->cluster_ips || known->port != upstream->port;
        known = std::move(upstream);
    }
    if (!changed) return false;
    auto table = std::make_shared<CaptureTable>();
    for (const auto& [name, upstream] : known_) table->add(*upstream);
    table_ = std::move(table);
    return true;
}

std::vector<std::string> Capture::demanded() const {
    std::vector<std::string> names;
    for (const auto& [name, use] : demanded_) names.push_back(name);
    return names;
}

std::vector<std::string> Capture::idle(TimePoint now, Milliseconds timeout,
                                       const std::function<std::optional<uint64_t>(const std::string&)>& served) {
    std::vector<std::string> names;
    for (auto& [name, use] : demanded_) {
        const auto count = served(name);
        if (!count || *count != use.served) {
            use = {count.value_or(use.served), now};
        } else if (now - use.since >= timeout) {
            names.push_back(name);
        }
    }
    return names;
}

}  // namespace steelyard
