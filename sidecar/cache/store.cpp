#include "sidecar/cache/store.hpp"

#include <algorithm>
#include <utility>

namespace steelyard::cache {
namespace {

// As many shards as still hold a few of the largest answers each.
size_t shards_for(const config::Cache& limits) {
    constexpr size_t kMost = 16;
    constexpr size_t kLargestInAShard = 4;
    return std::clamp<size_t>(limits.max_bytes / (kLargestInAShard * std::max<uint64_t>(limits.max_object_bytes, 1)), 1,
                              kMost);
}

}  // namespace

Store::Store(const config::Cache& limits)
    : limits_(limits), shard_count_(shards_for(limits)), shards_(std::make_unique<Shard[]>(shard_count_)) {}

Store::Found Store::find(const Request& request) {
    Shard& shard = shard_of(request.key());
    const std::unique_lock lock(shard.mutex, std::try_to_lock);
    if (!lock) return {nullptr, false, UINT64_MAX};
    Found found{nullptr, false, generation_of(shard, request.key())};
    const auto at = shard.index.find(std::string_view(request.key()));
    if (at == shard.index.end()) return found;
    found.others = true;
    // The newest that fits: they are appended.
    for (auto variant = at->second.rbegin(); variant != at->second.rend(); ++variant) {
        if (!(*variant)->stored->matches(request)) continue;
        shard.order.splice(shard.order.begin(), shard.order, *variant);
        found.stored = (*variant)->stored;
        break;
    }
    return found;
}

bool Store::keep(const Request& request, std::shared_ptr<const Stored> stored, uint64_t generation) {
    const size_t bytes = stored->bytes() + request.key().size();
    if (bytes > std::min(limits_.max_object_bytes, limits_.max_bytes / shard_count_)) return false;
    Order removed;  // freed when the lock is not held any more
    Shard& shard = shard_of(request.key());
    const std::unique_lock lock(shard.mutex, std::try_to_lock);
    if (!lock || generation != generation_of(shard, request.key())) return false;
    const auto at = shard.index.try_emplace(request.key()).first;
    auto& variants = at->second;
    // Before anything goes that could take the target's node with it.
    shard.order.push_front({at->first, std::move(stored)});
    variants.push_back(shard.order.begin());
    shard.bytes += bytes;
    const auto own = shard.order.begin();
    for (size_t i = 0; i + 1 < variants.size(); ++i) {
        if (!variants[i]->stored->same_variant(*own->stored)) continue;
        remove(shard, variants[i], removed);
        break;
    }
    if (variants.size() > kMaxVariants) {
        remove(shard, variants.front(), removed);
        shard.evictions.fetch_add(1, std::memory_order_relaxed);
    }
    while (shard.bytes > limits_.max_bytes / shard_count_ && std::next(shard.order.begin()) != shard.order.end()) {
        remove(shard, std::prev(shard.order.end()), removed);
        shard.evictions.fetch_add(1, std::memory_order_relaxed);
    }
    show(shard);
    return true;
}

// Also takes the target's node when nothing is left of it.
void Store::remove(Shard& shard, Order::iterator variant, Order& removed) {
    const auto at = shard.index.find(variant->key);
    auto& variants = at->second;
    shard.bytes -= variant->stored->bytes() + variant->key.size();
    variants.erase(std::find(variants.begin(), variants.end(), variant));
    removed.splice(removed.begin(), shard.order, variant);
    if (variants.empty()) shard.index.erase(at);
}

void Store::invalidate(std::string_view key) {
    Order removed;
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    ++generation_of(shard, key);
    const auto at = shard.index.find(key);
    if (at == shard.index.end()) return;
    for (const auto left = at->second; const auto& variant : left) remove(shard, variant, removed);
    show(shard);
}

void Store::clear() {
    for (size_t i = 0; i < shard_count_; ++i) {
        Order removed;
        const std::lock_guard lock(shards_[i].mutex);
        for (uint64_t& generation : shards_[i].generations) ++generation;
        shards_[i].index.clear();
        removed.swap(shards_[i].order);
        shards_[i].bytes = 0;
        show(shards_[i]);
    }
}

void Store::show(Shard& shard) {
    shard.shown_bytes.store(shard.bytes, std::memory_order_relaxed);
    shard.shown_objects.store(shard.order.size(), std::memory_order_relaxed);
}

Store::Stats Store::stats() const {
    Stats stats;
    for (size_t i = 0; i < shard_count_; ++i) {
        stats.bytes += shards_[i].shown_bytes.load(std::memory_order_relaxed);
        stats.objects += shards_[i].shown_objects.load(std::memory_order_relaxed);
        stats.evictions += shards_[i].evictions.load(std::memory_order_relaxed);
    }
    return stats;
}

}  // namespace steelyard::cache
