#pragma once
// What the cache keeps of a resource. Private to controller/push/cache*.cpp.
#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controller/push/cache.hpp"

namespace steelyard::push {

struct PushCache::Entry {
    explicit Entry(Record* owner = nullptr) : record(owner) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    // Nothing (just made), the resource, or the key of a tombstone.
    using Content = std::variant<std::monostate, config::Listener, config::Upstream, config::EndpointSlice,
                                 config::VirtualIp, config::ResourceKey>;

    bool alive() const { return content_index_alive(resource.index()); }
    static bool content_index_alive(size_t index) { return index >= 1 && index <= 4; }
    template <class R>
    R* get() {
        return std::get_if<R>(&resource);
    }
    template <class R>
    const R* get() const {
        return std::get_if<R>(&resource);
    }
    config::ResourceKey key() const {
        if (const auto* key = get<config::ResourceKey>()) return *key;
        if (const auto* listener = get<config::Listener>()) return config::key_of(*listener);
        if (const auto* upstream = get<config::Upstream>()) return config::key_of(*upstream);
        if (const auto* slice = get<config::EndpointSlice>()) return config::key_of(*slice);
        if (const auto* ip = get<config::VirtualIp>()) return config::key_of(*ip);
        return {};
    }

    Content resource;
    Record* const record;  // null for listeners and virtual IPs: those go to the edge
    uint64_t changed = 0;  // the counter of the version that changed it last
    Entry* older = nullptr;
    Entry* newer = nullptr;
    std::optional<std::list<Entry*>::iterator> grave;  // set: a tombstone
};

struct PushCache::Record {
    explicit Record(std::string upstream_name) : name(std::move(upstream_name)) {}

    bool had(const std::string& alias) const {
        return std::find(former_aliases.begin(), former_aliases.end(), alias) != former_aliases.end();
    }
    static bool lists(const std::vector<std::string>& namespaces, const std::string& ns) {
        return std::any_of(namespaces.begin(), namespaces.end(),
                           [&](const auto& one) { return one == "*" || one == ns; });
    }
    bool entitles(const Subscription& subscription) const {
        return subscription.owns(name) || lists(exports, subscription.ns);
    }
    bool entitled(const Subscription& subscription) const { return lists(former_exports, subscription.ns); }
    size_t endpoints_with(const config::EndpointSlice& slice) const {
        const auto it = slices.find(slice.slice);
        const auto* old = it == slices.end() ? nullptr : it->second->get<config::EndpointSlice>();
        return endpoints + slice.endpoints.size() - (old == nullptr ? 0 : old->endpoints.size());
    }

    const std::string name;
    std::unique_ptr<Entry> upstream;
    std::map<std::string, std::unique_ptr<Entry>, std::less<>> slices;
    std::vector<std::string> aliases;
    std::vector<std::string> former_aliases;
    std::vector<std::string> exports;  // namespaces besides its own, or "*"
    std::vector<std::string> former_exports;
    size_t endpoints = 0;
};

struct PushCache::Shared {
    Subscription subscription;
    std::optional<uint64_t> since;
    std::string base;
    uint64_t version = 0;
    std::weak_ptr<const std::string> frame;
};

}  // namespace steelyard::push
