#pragma once
// Everything the controller pushes, with the version at which each resource last changed. Pure: no I/O, no clock, one thread.
//
// Resources are linked in the order of their last change, so that a delta walks what changed since its base and nothing else:
// O(changed), whatever the total. Removals stay as tombstones, at most `max_tombstones`; a base older than the oldest one kept
// needs a snapshot. Frames are encoded on demand and shared, while somebody holds them, by all who ask for the same one; no
// resource's JSON is kept.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/push/message.hpp"

namespace steelyard::push {

// One step of the world. An upsert that is equal to what is there changes nothing; removing what is not there neither.
struct Change {
    std::vector<config::Resource> upsert;
    std::vector<config::ResourceKey> remove;
};

// What a proxy gets: upstreams (with their endpoints) by name or alias, or everything; listeners go to role edge.
struct Subscription {
    Role role = Role::sidecar;
    bool everything = false;
    std::vector<std::string> names;  // sorted, unique

    static Subscription of(const Hello& hello);
    bool wants(std::string_view name) const;
    friend bool operator==(const Subscription&, const Subscription&) = default;
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
        size_t listeners = 0, upstreams = 0, slices = 0, endpoints = 0, tombstones = 0;
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
    const Counts& counts() const { return counts_; }

private:
    struct Entry;   // one listener, upstream or slice, alive or a tombstone, in the change order
    struct Record;  // one upstream's name: its entry, its slices' entries, the aliases it has and had
    struct Shared;  // a frame that somebody may still hold

    struct Step;    // one publish under way
    void touch(Entry& entry);
    void upsert(config::Resource&& resource);
    void upsert_listener(config::Listener&& listener);
    void upsert_upstream(config::Upstream&& upstream);
    void upsert_slice(config::EndpointSlice&& slice);
    void remove(const config::ResourceKey& key);
    void bury(Entry& entry);
    void forget_oldest_tombstone();
    void forget_record_if_empty(Record& record);
    void realias(Record& record, const std::vector<std::string>& aliases);
    Record& record_of(const std::string& upstream);
    // Is the entry sent to it, was it perhaps sent to it once, or neither.
    enum class Interest { now, formerly, never };
    Interest interest(const Subscription& subscription, const Entry& entry) const;
    Frame find_shared(const Subscription& subscription, std::optional<uint64_t> since, std::string_view base);
    Frame share(const Subscription& subscription, std::optional<uint64_t> since, std::string_view base, std::string frame);

    const std::string epoch_;
    const Limits limits_;
    uint64_t counter_ = 0;
    uint64_t floor_ = 0;       // versions below it have removals that are forgotten
    bool dirty_ = false;       // this publish has changed something
    Entry* newest_ = nullptr;  // the change order
    Entry* oldest_ = nullptr;
    std::map<std::string, std::unique_ptr<Entry>, std::less<>> listeners_;
    std::map<std::string, std::unique_ptr<Record>, std::less<>> records_;
    std::set<uint64_t> unused_;
    std::vector<Shared> shared_;
    Counts counts_;
};

}  // namespace steelyard::push
