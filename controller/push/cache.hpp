#pragma once
// Everything the controller pushes, with the version at which each resource last changed. Pure: no I/O, no clock, one
// thread.
//
// Resources are linked in the order of their last change, so that a delta walks what changed since its base and nothing
// else: O(changed), whatever the total. Removals stay as tombstones, at most `max_tombstones`; a base older than one
// that is forgotten needs a snapshot. Frames are encoded on demand and shared, while somebody holds them, by all who
// ask for the same one; no resource's JSON is kept.
#include <array>
#include <bitset>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/model.hpp"
#include "common/push/message.hpp"
#include "controller/push/subscription.hpp"

namespace steelyard::push {

// One step of the world: first the upserts, then the removals. An upsert that is equal to what is there changes
// nothing; removing what is not there neither.
struct Change {
    std::vector<config::Resource> upsert;
    std::vector<config::ResourceKey> remove;
};

using Frame = std::shared_ptr<const std::string>;

class PushCache {
public:
    struct Limits {
        size_t max_tombstones = 20'000;
    };
    struct Published {
        bool changed = false;        // a new version was made
        std::vector<Error> refused;  // resources that break a limit of model.hpp: left out, the last good one stays
    };
    struct Counts {
        size_t listeners = 0, virtual_ips = 0, upstreams = 0, slices = 0, endpoints = 0, tombstones = 0;
        uint64_t encoded_frames = 0, encoded_bytes = 0, shared_frames = 0;
    };

    explicit PushCache(std::string epoch);
    PushCache(std::string epoch, Limits limits);
    ~PushCache();
    PushCache(const PushCache&) = delete;
    PushCache& operator=(const PushCache&) = delete;

    // A random epoch for a controller's start: 8 hexadecimal digits.
    static std::string random_epoch();

    Published publish(Change change);

    Version version() const { return {epoch_, counter_}; }
    uint64_t counter() const { return counter_; }
    // The counter of a version that a proxy brings, if a delta can start from it; nullopt: it needs a snapshot.
    std::optional<uint64_t> known(std::string_view version) const;
    // False if what changed after `since` includes forgotten removals: only a snapshot helps.
    bool reaches_back_to(uint64_t since) const { return since >= floor_; }
    // Did anything that this subscription gets change after `since`?
    bool relevant_since(const Subscription& subscription, uint64_t since) const;
    // What changed after `since`, as a delta that applies to `base`; nullptr when nothing that it gets did.
    // Precondition: reaches_back_to(since).
    Frame delta_for(const Subscription& subscription, uint64_t since, std::string_view base);
    Frame snapshot_for(const Subscription& subscription);
    // May it have what it wants under this name or alias? False also when there is no such upstream of another
    // namespace: who is not entitled does not learn what there is.
    bool grants(const Subscription& subscription, std::string_view want) const;
    // Changes whenever an answer of grants() may have.
    uint64_t grants_generation() const { return grants_generation_; }
    // By virtual router id: for how long (milliseconds) this node may hold it by a Lease; 0: it may not.
    std::array<uint32_t, 256> leases_for(std::string_view node) const;
    // The virtual routers that some node holds by a Lease.
    std::bitset<256> leased_routers() const;
    const Counts& counts() const { return counts_; }

private:
    struct Entry;   // one resource, alive or a tombstone, in the change order
    struct Record;  // one upstream's name: its entry, its slices' entries, the aliases it has and had
    struct Shared;  // a frame that somebody may still hold
    // Is an entry sent to a subscription, was it perhaps sent to it once (by an alias or an export that is gone), or
    // neither.
    enum class Interest { now, formerly, never };

    void upsert(config::Listener&& listener);
    void upsert(config::Upstream&& upstream);
    void upsert(config::EndpointSlice&& slice);
    void upsert(config::VirtualIp&& ip);
    template <class R>
    void upsert_of_edge(R&& resource, size_t& count);
    std::optional<Error> limit_broken(const config::Resource& resource) const;
    void remove(const config::ResourceKey& key);
    Record& record_of(const std::string& upstream);
    void touch(Entry& entry);
    void unlink(Entry& entry);
    void bury(Entry& entry);
    void revive(Entry& entry);
    void forget_oldest_tombstone();
    void set_aliases(Record& record, std::vector<std::string> aliases);
    void set_exports(Record& record, std::vector<std::string> exports);
    Interest interest(const Subscription& subscription, const Entry& entry) const;
    static Interest interest_of_edge(const Subscription& subscription, const Entry& entry);
    std::vector<const Entry*> wanted(const Subscription& subscription) const;

    // A frame as it may be asked for again: a snapshot (no `since`) or a delta, at the present version.
    struct Ask {
        const Subscription& subscription;
        std::optional<uint64_t> since;
        std::string_view base;
    };
    uint64_t hash_of(const Ask& ask) const;
    Frame find_shared(const Ask& ask);
    Frame share(const Ask& ask, std::string text);

    const std::string epoch_;
    const Limits limits_;
    uint64_t counter_ = 0;
    uint64_t grants_generation_ = 0;
    uint64_t floor_ = 0;            // a base below it lacks removals that are forgotten
    bool dirty_ = false;            // this publish has changed something
    Entry* newest_ = nullptr;       // the change order
    std::list<Entry*> tombstones_;  // oldest first
    using Entries = std::map<std::string, std::unique_ptr<Entry>, std::less<>>;
    Entries& of_edge(std::string_view kind) { return kind == "listener" ? listeners_ : virtual_ips_; }
    Entries listeners_, virtual_ips_;  // what only an edge gets
    std::map<std::string, std::unique_ptr<Record>, std::less<>> records_;
    std::multimap<std::string, Record*, std::less<>> aliases_;
    std::unordered_map<uint64_t, Shared> shared_;
    size_t sweep_shared_at_ = 64;
    Counts counts_;
};

}  // namespace steelyard::push
