// The frames made of what the cache keeps.
#include <algorithm>
#include <functional>

#include "common/push/codec.hpp"
#include "controller/push/cache.hpp"
#include "controller/push/cache_entry.hpp"

namespace steelyard::push {

namespace {

constexpr size_t kRoughResourceBytes = 400;  // a listener, a virtual IP, an upstream with a policy, a key

template <class E>
size_t size_hint(const std::vector<const E*>& entries) {
    size_t bytes = 0;
    for (const E* entry : entries) {
        const auto* slice = entry->template get<config::EndpointSlice>();
        bytes += slice != nullptr ? config::json_size_hint(*slice) : kRoughResourceBytes;
    }
    return bytes;
}

template <class E>
void append(FrameWriter& writer, const E& entry) {
    if (const auto* slice = entry.template get<config::EndpointSlice>()) {
        writer.upsert(*slice);
    } else if (const auto* upstream = entry.template get<config::Upstream>()) {
        writer.upsert(*upstream);
    } else if (const auto* listener = entry.template get<config::Listener>()) {
        writer.upsert(*listener);
    } else if (const auto* ip = entry.template get<config::VirtualIp>()) {
        writer.upsert(*ip);
    }
}

}  // namespace

// An edge of before them would refuse a frame with a virtual IP whole, and pass over what narrows a listener.
PushCache::Interest PushCache::interest_of_edge(const Subscription& subscription, const Entry& entry) {
    if (subscription.role != Role::edge) return Interest::never;
    if (subscription.knows_virtual_ips) {
        // One that does not know Leases would hold the addresses by VRRP, beside those who do not speak it.
        const auto* ip = entry.get<config::VirtualIp>();
        const bool leased = ip != nullptr && ip->lease_duration_ms != 0;
        return leased && !subscription.knows_leases ? Interest::formerly : Interest::now;
    }
    if (const auto* listener = entry.get<config::Listener>()) {
        const bool narrowed = !listener->source_ranges.empty() || listener->local_only || listener->transparent;
        return narrowed ? Interest::formerly : Interest::now;
    }
    return entry.key().kind == "listener" ? Interest::now : Interest::never;
}

PushCache::Interest PushCache::interest(const Subscription& subscription, const Entry& entry) const {
    if (entry.record == nullptr) return interest_of_edge(subscription, entry);
    const Record& record = *entry.record;
    const bool entitled = record.entitles(subscription);
    if (!entitled && !record.entitled(subscription)) return Interest::never;
    const Interest at_best = entitled ? Interest::now : Interest::formerly;
    if (subscription.wants(record.name)) return at_best;
    const auto wanted = [&](const std::string& alias) { return subscription.wants(alias); };
    if (std::any_of(record.aliases.begin(), record.aliases.end(), wanted)) return at_best;
    if (std::any_of(record.former_aliases.begin(), record.former_aliases.end(), wanted)) return Interest::formerly;
    return Interest::never;
}

bool PushCache::grants(const Subscription& subscription, std::string_view want) const {
    if (subscription.owns(want)) return true;
    const auto granted = [&](const Record& record) {
        return record.upstream && record.upstream->alive() && record.entitles(subscription);
    };
    if (const auto it = records_.find(want); it != records_.end() && granted(*it->second)) return true;
    const auto [first, last] = aliases_.equal_range(want);
    return std::any_of(first, last, [&](const auto& named) { return granted(*named.second); });
}

bool PushCache::relevant_since(const Subscription& subscription, uint64_t since) const {
    for (const Entry* entry = newest_; entry != nullptr && entry->changed > since; entry = entry->older) {
        if (interest(subscription, *entry) != Interest::never) return true;
    }
    return false;
}

Frame PushCache::delta_for(const Subscription& subscription, uint64_t since, std::string_view base) {
    if (newest_ == nullptr || newest_->changed <= since) return nullptr;
    const Ask ask{subscription, since, base};
    if (Frame frame = find_shared(ask)) return frame;

    std::vector<const Entry*> upserts, removals;
    for (const Entry* entry = newest_; entry != nullptr && entry->changed > since; entry = entry->older) {
        const Interest interest_in = interest(subscription, *entry);
        if (interest_in == Interest::never) continue;
        (entry->alive() && interest_in == Interest::now ? upserts : removals).push_back(entry);
    }
    if (upserts.empty() && removals.empty()) return nullptr;
    auto writer = FrameWriter::delta(base, version().to_string(), size_hint(upserts) + size_hint(removals));
    std::for_each(upserts.rbegin(), upserts.rend(), [&](const Entry* entry) { append(writer, *entry); });
    std::for_each(removals.rbegin(), removals.rend(), [&](const Entry* entry) { writer.remove(entry->key()); });
    return share(ask, writer.finish());
}

Frame PushCache::snapshot_for(const Subscription& subscription) {
    const Ask ask{subscription, std::nullopt, {}};
    if (Frame frame = find_shared(ask)) return frame;
    const auto entries = wanted(subscription);
    auto writer = FrameWriter::snapshot(version().to_string(), size_hint(entries));
    for (const Entry* entry : entries) append(writer, *entry);
    return share(ask, writer.finish());
}

// All that is alive and goes to the subscription, in an order that does not depend on history.
std::vector<const PushCache::Entry*> PushCache::wanted(const Subscription& subscription) const {
    std::vector<const Record*> records;
    if (subscription.everything) {
        for (const auto& [name, record] : records_) records.push_back(record.get());
    } else {
        for (const auto& name : subscription.names) {
            if (const auto it = records_.find(name); it != records_.end()) records.push_back(it->second.get());
            const auto [first, last] = aliases_.equal_range(name);
            for (auto it = first; it != last; ++it) records.push_back(it->second);
        }
        std::sort(records.begin(), records.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
        records.erase(std::unique(records.begin(), records.end()), records.end());
    }
    std::erase_if(records, [&](const Record* record) { return !record->entitles(subscription); });
    std::vector<const Entry*> entries;
    const auto add = [&](const std::unique_ptr<Entry>& entry) {
        if (entry && entry->alive()) entries.push_back(entry.get());
    };
    for (const Entries* of_edge : {&listeners_, &virtual_ips_}) {
        for (const auto& [name, entry] : *of_edge) {
            if (interest_of_edge(subscription, *entry) == Interest::now) add(entry);
        }
    }
    for (const Record* record : records) {
        add(record->upstream);
        for (const auto& [name, slice] : record->slices) add(slice);
    }
    return entries;
}

uint64_t PushCache::hash_of(const Ask& ask) const {
    uint64_t hash = ask.subscription.hash;
    hash = hash * 1099511628211u + counter_;
    hash = hash * 1099511628211u + (ask.since ? *ask.since + 1 : 0);
    return hash * 1099511628211u + std::hash<std::string_view>{}(ask.base);
}

Frame PushCache::find_shared(const Ask& ask) {
    const auto it = shared_.find(hash_of(ask));
    if (it == shared_.end()) return nullptr;
    const Shared& shared = it->second;
    if (shared.version != counter_ || shared.since != ask.since || shared.base != ask.base ||
        shared.subscription != ask.subscription) {
        return nullptr;
    }
    Frame frame = shared.frame.lock();
    if (frame) ++counts_.shared_frames;
    return frame;
}

Frame PushCache::share(const Ask& ask, std::string text) {
    ++counts_.encoded_frames;
    counts_.encoded_bytes += text.size();
    // Not make_shared: the text must go when its last holder does, not when the last weak reference does.
    Frame frame{new std::string(std::move(text))};
    if (shared_.size() >= sweep_shared_at_) {
        std::erase_if(shared_, [](const auto& named) { return named.second.frame.expired(); });
        sweep_shared_at_ = std::max<size_t>(64, shared_.size() * 2);
    }
    shared_[hash_of(ask)] = Shared{ask.subscription, ask.since, std::string(ask.base), counter_, frame};
    return frame;
}

}  // namespace steelyard::push
