#include "sidecar/config/state.hpp"

#include <algorithm>
#include <set>

namespace steelyard::config {
namespace {

// Unchanged or both absent: what is equal keeps its old pointer, so that nobody downstream rebuilds.
template <class T>
bool same(const std::shared_ptr<const T>& before, const std::shared_ptr<const T>& after) {
    if (before == nullptr || after == nullptr) return before == after;
    return *before == *after;
}

template <class Map>
typename Map::mapped_type at_or_null(const Map& map, std::string_view key) {
    const auto it = map.find(key);
    return it == map.end() ? nullptr : it->second;
}

// Whether what is there and what is planned makes more than `most`.
template <class Map>
void check_count(const Map& present, const Map& planned, size_t most, const char* what, Problems& problems) {
    size_t count = present.size();
    for (const auto& [name, value] : planned) {
        const bool is = present.find(name) != present.end();
        if (value && !is) ++count;
        if (!value && is) --count;
    }
    if (count <= most) return;
    problems.add(
        Error{"upsert", std::to_string(count) + " " + what + "; at most " + std::to_string(most) + " are allowed"});
}

// Puts what is planned in place; true if that changed anything.
template <class Map>
bool put_all(Map& present, Map& planned) {
    bool changed = false;
    for (auto& [name, value] : planned) {
        if (same(at_or_null(present, name), value)) continue;
        changed = true;
        if (value) {
            present.insert_or_assign(name, std::move(value));
        } else {
            present.erase(name);
        }
    }
    return changed;
}

}  // namespace

void ConfigState::Plan::add(std::vector<Resource>&& resources) {
    for (auto& resource : resources) {
        if (auto* listener = std::get_if<Listener>(&resource)) {
            auto& slot = listeners[listener->name];
            slot = std::make_shared<const Listener>(std::move(*listener));
        } else if (auto* upstream = std::get_if<Upstream>(&resource)) {
            auto& slot = upstreams[upstream->name];
            slot = std::make_shared<const Upstream>(std::move(*upstream));
        } else if (auto* slice = std::get_if<EndpointSlice>(&resource)) {
            auto& slot = slices[slice->upstream][slice->slice];
            slot = std::make_shared<const EndpointSlice>(std::move(*slice));
        } else if (auto* ip = std::get_if<VirtualIp>(&resource)) {
            auto& slot = virtual_ips[ip->name];
            slot = std::make_shared<const VirtualIp>(std::move(*ip));
        }
    }
}

void ConfigState::Plan::add(const std::vector<ResourceKey>& removals) {
    for (const auto& key : removals) {
        if (key.kind == "listener") listeners[key.name] = nullptr;
        if (key.kind == "virtual_ip") virtual_ips[key.name] = nullptr;
        if (key.kind == "upstream") upstreams[key.name] = nullptr;
        if (key.kind == "endpoints") slices[key.name][key.slice] = nullptr;
    }
}

void ConfigState::plan_to_drop_the_rest(Plan& plan) const {
    for (const auto& [name, listener] : listeners_) plan.listeners.try_emplace(name, nullptr);
    for (const auto& [name, ip] : virtual_ips_) plan.virtual_ips.try_emplace(name, nullptr);
    for (const auto& [name, known] : upstreams_) {
        if (known.upstream) plan.upstreams.try_emplace(name, nullptr);
        if (known.slices.empty()) continue;
        auto& slices = plan.slices[name];
        for (const auto& [slice, endpoints] : known.slices) slices.try_emplace(slice, nullptr);
    }
}

// Limits that only the whole can break.
void ConfigState::check(const Plan& plan, Problems& problems) const {
    check_count(listeners_, plan.listeners, kMaxListeners, "listeners", problems);
    check_count(virtual_ips_, plan.virtual_ips, kMaxVirtualIps, "virtual IPs", problems);
    for (const auto& [name, slices] : plan.slices) {
        const auto it = upstreams_.find(name);
        size_t endpoints = it == upstreams_.end() ? 0 : it->second.endpoints;
        for (const auto& [slice, value] : slices) {
            if (value) endpoints += value->endpoints.size();
            if (it == upstreams_.end()) continue;
            if (const auto before = at_or_null(it->second.slices, slice)) endpoints -= before->endpoints.size();
        }
        if (endpoints > kMaxEndpointsPerUpstream) {
            problems.add(Error{"upsert", "upstream " + name + " would have " + std::to_string(endpoints) +
                                             " endpoints; at most " + std::to_string(kMaxEndpointsPerUpstream) +
                                             " are allowed"});
        }
    }
}

bool ConfigState::put(Known& known, const std::string& slice, std::shared_ptr<const EndpointSlice> value) {
    const auto before = at_or_null(known.slices, slice);
    if (same(before, value)) return false;
    const size_t was = before ? before->endpoints.size() : 0;
    const size_t is = value ? value->endpoints.size() : 0;
    known.endpoints += is - was;  // unsigned arithmetic wraps and unwraps
    endpoints_ += is - was;
    if (value) {
        known.slices.insert_or_assign(slice, std::move(value));
    } else {
        known.slices.erase(slice);
    }
    return true;
}

void ConfigState::put_aliases(const Upstream* before, const Upstream* after) {
    if (before != nullptr) {
        for (const auto& alias : before->aliases) {
            auto [it, end] = aliases_.equal_range(alias);
            it = std::find_if(it, end, [&](const auto& named) { return named.second == before->name; });
            if (it != end) aliases_.erase(it);
        }
    }
    if (after != nullptr) {
        for (const auto& alias : after->aliases) aliases_.emplace(alias, after->name);
    }
}

ChangeSet ConfigState::commit(Plan&& plan) {
    ChangeSet changes;
    changes.listeners = put_all(listeners_, plan.listeners);
    changes.virtual_ips = put_all(virtual_ips_, plan.virtual_ips);
    std::set<std::string> touched;
    for (auto& [name, upstream] : plan.upstreams) {
        auto it = upstreams_.find(name);
        if (same(it == upstreams_.end() ? nullptr : it->second.upstream, upstream)) continue;
        Known& known = upstreams_[name];
        const bool renamed = !known.upstream || !upstream || known.upstream->aliases != upstream->aliases;
        if (renamed) put_aliases(known.upstream.get(), upstream.get());
        changes.aliases |= renamed;
        known.upstream = std::move(upstream);
        touched.insert(name);
    }
    for (auto& [name, slices] : plan.slices) {
        Known& known = upstreams_[name];
        bool changed = false;
        for (auto& [slice, value] : slices) changed |= put(known, slice, std::move(value));
        if (changed) touched.insert(name);
        const bool empty = !known.upstream && known.slices.empty();
        if (empty && touched.count(name) == 0) upstreams_.erase(name);  // only named, to be removed
    }
    for (const auto& name : touched) {
        const auto it = upstreams_.find(name);
        const bool gone = !it->second.upstream && it->second.slices.empty();
        (gone ? changes.removed : changes.changed).push_back(name);
        if (gone) upstreams_.erase(it);
    }
    return changes;
}

ConfigState::Outcome ConfigState::apply(push::Snapshot snapshot) {
    Outcome outcome;
    Plan plan;
    plan.add(std::move(snapshot.upsert));
    plan_to_drop_the_rest(plan);
    check(plan, outcome.problems);
    if (!outcome.problems.empty()) return outcome;
    outcome.changes = commit(std::move(plan));
    outcome.applied = true;
    version_ = std::move(snapshot.version);
    return outcome;
}

ConfigState::Outcome ConfigState::apply(push::Delta delta) {
    Outcome outcome;
    if (version_.empty() || delta.base != version_) {
        outcome.problems.add(Error{"base", "'" + delta.base + "' is not the version in force ('" + version_ + "')"});
        return outcome;
    }
    Plan plan;
    plan.add(std::move(delta.upsert));
    plan.add(delta.remove);
    check(plan, outcome.problems);
    if (!outcome.problems.empty()) return outcome;
    outcome.changes = commit(std::move(plan));
    outcome.applied = true;
    version_ = std::move(delta.version);
    return outcome;
}

std::string_view ConfigState::resolve(std::string_view name_or_alias) const {
    const auto it = upstreams_.find(name_or_alias);
    if (it != upstreams_.end() && it->second.upstream) return it->first;
    const auto [first, last] = aliases_.equal_range(name_or_alias);
    const auto least = std::min_element(first, last, [](const auto& a, const auto& b) { return a.second < b.second; });
    if (least != last) return least->second;
    return it == upstreams_.end() ? std::string_view{} : std::string_view{it->first};
}

UpstreamView ConfigState::find(std::string_view name_or_alias) const {
    const auto it = upstreams_.find(resolve(name_or_alias));
    if (it == upstreams_.end()) return {};
    return {it->second.upstream, &it->second.slices};
}

std::vector<std::string> ConfigState::upstream_names() const {
    std::vector<std::string> names;
    for (const auto& [name, known] : upstreams_) {
        if (known.upstream) names.push_back(name);
    }
    return names;
}

ChangeSet ConfigState::everything() const {
    ChangeSet changes;
    for (const auto& [name, known] : upstreams_) changes.changed.push_back(name);
    changes.listeners = !listeners_.empty();
    changes.virtual_ips = !virtual_ips_.empty();
    changes.aliases = !aliases_.empty();
    return changes;
}

Image ConfigState::image() const {
    Image image;
    image.version = version_;
    image.subscription = subscription_;
    for (const auto& [name, listener] : listeners_) image.listeners.push_back(listener);
    for (const auto& [name, ip] : virtual_ips_) image.virtual_ips.push_back(ip);
    for (const auto& [name, known] : upstreams_) {
        if (known.upstream) image.upstreams.push_back(known.upstream);
        for (const auto& [slice, value] : known.slices) image.slices.push_back(value);
    }
    return image;
}

}  // namespace steelyard::config
