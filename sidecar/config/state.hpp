#pragma once
// What the proxy was told, as of one version. A snapshot or delta is applied whole or refused whole, and says what it
// changed: a reconnect that brings the same things again changes nothing. Pure; one thread (the main one). Resources
// are immutable and shared, so that a reader on another thread (a worker's snapshot, the state file) may keep them
// without copying.
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/problems.hpp"
#include "common/push/message.hpp"

namespace steelyard::config {

// Upstreams by canonical name, sorted, each once. An upstream is changed when it, its aliases or any of its slices did,
// also while only slices of it are known; it is removed when neither it nor a slice is left.
struct ChangeSet {
    std::vector<std::string> changed;
    std::vector<std::string> removed;
    bool listeners = false;
    bool virtual_ips = false;
    bool aliases = false;  // some name may resolve to another upstream now

    bool empty() const { return changed.empty() && removed.empty() && !listeners && !virtual_ips && !aliases; }
};

// By name.
using Listeners = std::map<std::string, std::shared_ptr<const Listener>, std::less<>>;
using VirtualIps = std::map<std::string, std::shared_ptr<const VirtualIp>, std::less<>>;
using Slices = std::map<std::string, std::shared_ptr<const EndpointSlice>, std::less<>>;  // by slice name

// One upstream as it stands. `upstream` is null when it is not known (yet), while slices of it may be.
struct UpstreamView {
    std::shared_ptr<const Upstream> upstream;
    const Slices* slices = nullptr;  // null when nothing is known of it; valid until the next apply

    explicit operator bool() const { return upstream != nullptr; }
};

// Everything, by reference: cheap to take, safe to read on any thread.
struct Image {
    std::string version;
    std::string subscription;
    std::vector<std::shared_ptr<const Listener>> listeners;
    std::vector<std::shared_ptr<const Upstream>> upstreams;
    std::vector<std::shared_ptr<const EndpointSlice>> slices;
    std::vector<std::shared_ptr<const VirtualIp>> virtual_ips = {};
};

class ConfigState {
public:
    struct Outcome {
        bool applied = false;
        ChangeSet changes;  // what was applied changed
        Problems problems;  // why it was refused; then nothing has changed
    };

    ConfigState() = default;
    ConfigState(const ConfigState&) = delete;
    ConfigState& operator=(const ConfigState&) = delete;

    Outcome apply(push::Snapshot snapshot);
    Outcome apply(push::Delta delta);

    // "" before the first apply.
    const std::string& version() const { return version_; }
    // What it was asked for when it was got: a version may be resumed only under the same subscription. Set by the
    // client.
    const std::string& subscription() const { return subscription_; }
    void set_subscription(std::string subscription) { subscription_ = std::move(subscription); }

    // By canonical name, else by alias (the first canonical name in order, if several claim it).
    UpstreamView find(std::string_view name_or_alias) const;
    // The canonical name it stands for, "" if none is known. Valid until the next apply.
    std::string_view resolve(std::string_view name_or_alias) const;
    std::vector<std::string> upstream_names() const;  // those known by more than slices; sorted
    const Listeners& listeners() const { return listeners_; }
    const VirtualIps& virtual_ips() const { return virtual_ips_; }
    size_t endpoint_count() const { return endpoints_; }
    // A change set that names everything: for the first build after a restart.
    ChangeSet everything() const;
    Image image() const;

private:
    struct Known {
        std::shared_ptr<const Upstream> upstream;
        Slices slices;
        size_t endpoints = 0;
    };
    // What a frame asks for, by key; null = gone. Complete and within all limits before anything is changed.
    struct Plan {
        Listeners listeners;
        VirtualIps virtual_ips;
        std::map<std::string, std::shared_ptr<const Upstream>, std::less<>> upstreams;
        std::map<std::string, Slices, std::less<>> slices;

        void add(std::vector<Resource>&& resources);
        void add(const std::vector<ResourceKey>& removals);
    };
    void plan_to_drop_the_rest(Plan& plan) const;
    void check(const Plan& plan, Problems& problems) const;
    ChangeSet commit(Plan&& plan);
    bool put(Known& known, const std::string& slice, std::shared_ptr<const EndpointSlice> value);
    void put_aliases(const Upstream* before, const Upstream* after);

    std::string version_;
    std::string subscription_;
    std::map<std::string, Known, std::less<>> upstreams_;
    Listeners listeners_;
    VirtualIps virtual_ips_;
    std::multimap<std::string, std::string, std::less<>> aliases_;  // alias -> canonical names
    size_t endpoints_ = 0;
};

}  // namespace steelyard::config
