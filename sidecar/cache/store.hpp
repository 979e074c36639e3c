#pragma once
// The kept answers of one upstream, shared by all workers. Bounded in bytes; what was used longest ago goes first. In shards, each with a lock that is
// held for a look-up or a change of place, never for I/O or the making of an answer. Looking up and keeping do not wait for it: who does
// not get the lock takes it for a miss, or does not keep. Invalidation waits.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/policy.hpp"
#include "sidecar/cache/request.hpp"
#include "sidecar/cache/stored.hpp"

namespace steelyard::cache {

class Store {
public:
    static constexpr size_t kGenerations =
        256;  // of a shard: places by which answers from before an invalidation are told
    static constexpr size_t kMaxVariants = 16;  // of one target; one more makes the oldest go

    explicit Store(const config::Cache& limits);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    struct Found {
        std::shared_ptr<const Stored> stored;  // null: none answers this request
        bool others = false;                   // the target is known, in other variants
        // The state of things in which the answer to this request is right: see keep().
        uint64_t generation = 0;
    };
    Found find(const Request& request);
    // Under the request's key, in the place of the same variant. Not when it was invalidated since the look-up of `generation`: the
    // answer may be one from before. Nor when it is too large.
    bool keep(const Request& request, std::shared_ptr<const Stored> stored, uint64_t generation);
    void invalidate(std::string_view key);
    void clear();

    const config::Cache& limits() const { return limits_; }
    struct Stats {
        uint64_t bytes = 0;
        uint64_t objects = 0;
        uint64_t evictions = 0;
    };
    // From any thread.
    Stats stats() const;

private:
    struct Variant {
        std::string_view key;  // of its target's node
        std::shared_ptr<const Stored> stored;
    };
    using Order = std::list<Variant>;  // the last used first
    struct Hash {
        using is_transparent = void;
        size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
    };
    using Index = std::unordered_map<std::string, std::vector<Order::iterator>, Hash, std::equal_to<>>;
    struct alignas(64) Shard {
        std::mutex mutex;
        Index index;
        Order order;
        size_t bytes = 0;
        // How often one of the targets that share the place was invalidated.
        std::array<uint64_t, kGenerations> generations{};
        std::atomic<uint64_t> shown_bytes{0};
        std::atomic<uint64_t> shown_objects{0};
        std::atomic<uint64_t> evictions{0};
    };
    Shard& shard_of(std::string_view key) { return shards_[(Hash()(key) >> 20U) % shard_count_]; }
    static uint64_t& generation_of(Shard& shard, std::string_view key) {
        return shard.generations[Hash()(key) % kGenerations];
    }
    static void remove(Shard& shard, Order::iterator variant, Order& removed);
    static void show(Shard& shard);

    config::Cache limits_;
    size_t shard_count_;
    std::unique_ptr<Shard[]> shards_;
};

}  // namespace steelyard::cache
