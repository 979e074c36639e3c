// What is kept and how it changes; the frames made of it are in cache_frames.cpp.
#include "controller/push/cache.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "common/config/validate.hpp"
#include "controller/push/cache_entry.hpp"

namespace steelyard::push {

using config::EndpointSlice;
using config::Listener;
using config::Resource;
using config::ResourceKey;
using config::Upstream;
using config::VirtualIp;

namespace {

constexpr size_t kMaxFormerAliases = 64;
constexpr size_t kMaxFormerExports = 64;

bool is_of_edge(const ResourceKey& key) { return key.kind == "listener" || key.kind == "virtual_ip"; }

std::string name_of(const ResourceKey& key) {
    return key.kind + " " + key.name + (key.slice.empty() ? "" : " slice " + key.slice);
}

}  // namespace

PushCache::PushCache(std::string epoch) : PushCache(std::move(epoch), Limits{}) {}
PushCache::PushCache(std::string epoch, Limits limits) : epoch_(std::move(epoch)), limits_(limits) {}
PushCache::~PushCache() = default;

std::string PushCache::random_epoch() {
    std::random_device device;
    std::array<char, 9> text{};
    std::snprintf(text.data(), text.size(), "%08x", static_cast<unsigned>(device()));
    return text.data();
}

std::optional<uint64_t> PushCache::known(std::string_view text) const {
    const auto version = Version::parse(text);
    if (!version || version->epoch != epoch_ || version->counter > counter_ || !reaches_back_to(version->counter)) {
        return std::nullopt;
    }
    return version->counter;
}

PushCache::Published PushCache::publish(Change change) {
    Published published;
    dirty_ = false;
    for (auto& resource : change.upsert) {
        if (auto error = limit_broken(resource)) {
            published.refused.push_back(std::move(*error));
            continue;
        }
        std::visit([&](auto& r) { upsert(std::move(r)); }, resource);
    }
    for (const auto& key : change.remove) remove(key);
    if (dirty_) ++counter_;
    while (tombstones_.size() > limits_.max_tombstones) forget_oldest_tombstone();
    counts_.tombstones = tombstones_.size();
    published.changed = dirty_;
    return published;
}

// A resource that a proxy would refuse must not reach it: it would refuse everything that came along.
std::optional<Error> PushCache::limit_broken(const Resource& resource) const {
    config::Problems problems;
    config::validate(resource, config::Path{}, problems);
    if (const auto* slice = std::get_if<EndpointSlice>(&resource); slice != nullptr && problems.empty()) {
        const auto record = records_.find(slice->upstream);
        if (record != records_.end() && record->second->endpoints_with(*slice) > config::kMaxEndpointsPerUpstream) {
            problems.add(Error{"endpoints", "the upstream would have more than " +
                                                std::to_string(config::kMaxEndpointsPerUpstream) + " endpoints"});
        }
    }
    if (const auto* listener = std::get_if<Listener>(&resource); listener != nullptr && problems.empty()) {
        if (counts_.listeners >= config::kMaxListeners && listeners_.find(listener->name) == listeners_.end()) {
            problems.add(Error{"name", "there are " + std::to_string(config::kMaxListeners) + " listeners already"});
        }
    }
    if (const auto* ip = std::get_if<VirtualIp>(&resource); ip != nullptr && problems.empty()) {
        if (counts_.virtual_ips >= config::kMaxVirtualIps && virtual_ips_.find(ip->name) == virtual_ips_.end()) {
            problems.add(Error{"name", "there are " + std::to_string(config::kMaxVirtualIps) + " virtual IPs already"});
        }
    }
    if (problems.empty()) return std::nullopt;
    const Error first = problems.first();
    return Error{name_of(config::key_of(resource)), first.to_string() + "; it is not pushed, the last good one stays"};
}

template <class R>
void PushCache::upsert_of_edge(R&& resource, size_t& count) {
    auto& entry = of_edge(config::key_of(resource).kind)[resource.name];
    if (!entry) entry = std::make_unique<Entry>();
    if (auto* old = entry->template get<R>(); old != nullptr && *old == resource) return;
    if (!entry->alive()) ++count;
    revive(*entry);
    entry->resource = std::move(resource);
    touch(*entry);
}

void PushCache::upsert(Listener&& listener) { upsert_of_edge(std::move(listener), counts_.listeners); }
void PushCache::upsert(VirtualIp&& ip) { upsert_of_edge(std::move(ip), counts_.virtual_ips); }

void PushCache::upsert(Upstream&& upstream) {
    auto& aliases = upstream.aliases;
    std::sort(aliases.begin(), aliases.end());
    aliases.erase(std::unique(aliases.begin(), aliases.end()), aliases.end());
    Record& record = record_of(upstream.name);
    if (!record.upstream) record.upstream = std::make_unique<Entry>(&record);
    Entry& entry = *record.upstream;
    if (auto* old = entry.get<Upstream>(); old != nullptr && *old == upstream) return;
    if (!entry.alive()) ++counts_.upstreams;
    revive(entry);
    set_aliases(record, aliases);
    set_exports(record, upstream.export_to);
    entry.resource = std::move(upstream);
    touch(entry);
}

void PushCache::upsert(EndpointSlice&& slice) {
    Record& record = record_of(slice.upstream);
    auto& entry = record.slices[slice.slice];
    if (!entry) entry = std::make_unique<Entry>(&record);
    auto* old = entry->get<EndpointSlice>();
    if (old != nullptr && *old == slice) return;
    if (!entry->alive()) ++counts_.slices;
    const size_t before = old == nullptr ? 0 : old->endpoints.size();
    record.endpoints += slice.endpoints.size() - before;
    counts_.endpoints += slice.endpoints.size() - before;
    revive(*entry);
    slice.endpoints.shrink_to_fit();
    entry->resource = std::move(slice);
    touch(*entry);
}

PushCache::Record& PushCache::record_of(const std::string& upstream) {
    auto& record = records_[upstream];
    if (!record) record = std::make_unique<Record>(upstream);
    return *record;
}

void PushCache::remove(const ResourceKey& key) {
    if (is_of_edge(key)) {
        auto& entries = of_edge(key.kind);
        const auto it = entries.find(key.name);
        if (it == entries.end() || !it->second->alive()) return;
        --(key.kind == "listener" ? counts_.listeners : counts_.virtual_ips);
        return bury(*it->second);
    }
    const auto it = records_.find(key.name);
    if (it == records_.end()) return;
    Record& record = *it->second;
    if (key.kind == "upstream") {
        if (!record.upstream || !record.upstream->alive()) return;
        --counts_.upstreams;
        set_aliases(record, {});
        set_exports(record, {});
        bury(*record.upstream);
    } else if (key.kind == "endpoints") {
        const auto slice = record.slices.find(key.slice);
        if (slice == record.slices.end() || !slice->second->alive()) return;
        const size_t endpoints = slice->second->get<EndpointSlice>()->endpoints.size();
        --counts_.slices;
        record.endpoints -= endpoints;
        counts_.endpoints -= endpoints;
        bury(*slice->second);
    }
}

// Who wants an upstream by an alias gets its slices from now on, or no longer: both count as changes of the slices.
void PushCache::set_aliases(Record& record, std::vector<std::string> aliases) {
    if (record.aliases == aliases) return;
    for (const auto& alias : record.aliases) {
        auto [it, end] = aliases_.equal_range(alias);
        it = std::find_if(it, end, [&](const auto& named) { return named.second == &record; });
        if (it != end) aliases_.erase(it);
        if (!record.had(alias)) record.former_aliases.push_back(alias);
    }
    for (const auto& alias : aliases) {
        aliases_.emplace(alias, &record);
        std::erase(record.former_aliases, alias);
    }
    record.aliases = std::move(aliases);
    ++grants_generation_;
    for (auto& [name, slice] : record.slices) touch(*slice);
    if (record.former_aliases.size() > kMaxFormerAliases) {
        record.former_aliases.clear();
        floor_ = counter_ + 1;  // nobody can tell any more who once had it: all but the newest base need a snapshot
    }
}

// As with aliases: who is entitled from now on gets the slices, who no longer is loses them.
void PushCache::set_exports(Record& record, std::vector<std::string> exports) {
    ++grants_generation_;  // the upstream has come, gone or changed
    if (record.exports == exports) return;
    for (const auto& ns : record.exports) {
        const auto& former = record.former_exports;
        if (std::find(former.begin(), former.end(), ns) == former.end()) record.former_exports.push_back(ns);
    }
    record.exports = std::move(exports);
    for (auto& [name, slice] : record.slices) touch(*slice);
    if (record.former_exports.size() > kMaxFormerExports) {
        record.former_exports.clear();
        floor_ = counter_ + 1;
    }
}

void PushCache::unlink(Entry& entry) {
    if (entry.older != nullptr) entry.older->newer = entry.newer;
    if (entry.newer != nullptr) entry.newer->older = entry.older;
    if (newest_ == &entry) newest_ = entry.older;
    entry.older = entry.newer = nullptr;
}

void PushCache::touch(Entry& entry) {
    unlink(entry);
    entry.changed = counter_ + 1;
    entry.older = newest_;
    if (newest_ != nullptr) newest_->newer = &entry;
    newest_ = &entry;
    dirty_ = true;
    if (entry.grave) tombstones_.splice(tombstones_.end(), tombstones_, *entry.grave);
}

void PushCache::bury(Entry& entry) {
    // Its key is what a tombstone says.
    entry.resource = entry.key();
    entry.grave = tombstones_.insert(tombstones_.end(), &entry);
    touch(entry);
}

void PushCache::revive(Entry& entry) {
    if (!entry.grave) return;
    tombstones_.erase(*entry.grave);
    entry.grave.reset();
}

void PushCache::forget_oldest_tombstone() {
    Entry& entry = *tombstones_.front();
    tombstones_.pop_front();
    floor_ = std::max(floor_, entry.changed);
    unlink(entry);
    const ResourceKey key = entry.key();
    if (is_of_edge(key)) {
        of_edge(key.kind).erase(key.name);
        return;
    }
    Record& record = *entry.record;
    if (key.kind == "upstream") {
        record.upstream.reset();
    } else {
        record.slices.erase(key.slice);
    }
    if (!record.upstream && record.slices.empty()) records_.erase(key.name);
}

}  // namespace steelyard::push
