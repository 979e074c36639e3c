#include "controller/translate/translator.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "controller/translate/endpoints.hpp"
#include "controller/translate/fingerprint.hpp"
#include "controller/translate/output.hpp"
#include "controller/translate/policies.hpp"
#include "controller/translate/service.hpp"
#include "controller/translate/view.hpp"

namespace steelyard::translate {
namespace {

using store::ClusterState;
using store::Key;
using store::Kind;

// A resource that a unit made, as far as it is remembered.
struct Made {
    std::string name;
    uint64_t fingerprint = 0;
    size_t kind = 0;  // index in config::Resource

    bool is(const Made& other) const { return kind == other.kind && name == other.name; }
};

// What is remembered of one Service, EndpointSlice or policy.
struct Unit {
    std::vector<ReadHash> reads;
    std::vector<Made> made;
    kube::ObjectKey blamed;  // the Service that its problems are told of; empty while there are none
};

bool is_unit(Kind kind) { return kind == Kind::service || kind == Kind::endpoint_slice || kind == Kind::policy; }

bool exists(const Key& unit, const ClusterState& state) {
    switch (unit.kind) {
        case Kind::service:
            return state.service(unit.object) != nullptr;
        case Kind::endpoint_slice:
            return state.slice(unit.object) != nullptr;
        default:
            return state.policy(unit.object) != nullptr;
    }
}

// What tells the resources of one unit apart, besides their kind.
struct NameOf {
    const std::string& operator()(const config::EndpointSlice& slice) const { return slice.upstream; }
    template <class T>
    const std::string& operator()(const T& resource) const {
        return resource.name;
    }
};

config::ResourceKey key_of(const Key& unit, const Made& made) {
    static constexpr const char* kKinds[] = {"listener", "upstream", "endpoints", "virtual_ip"};  // as in Resource
    return {kKinds[made.kind], made.name, unit.kind == Kind::endpoint_slice ? unit.object.name : ""};
}

}  // namespace

struct Translator::Impl {
    using Units = std::unordered_map<Key, Unit, store::KeyHash>;

    Options options;
    Announcements announcements;
    Units units;
    std::unordered_multimap<ReadHash, const Key*> readers;  // keys of `units`, which stay where they are
    std::map<kube::ObjectKey, std::map<Key, std::vector<Problem>>> problems;
    std::set<kube::ObjectKey> told;  // Services whose problems changed in this update
    std::map<kube::ObjectKey, PolicyStatus> policies;

    std::set<Key> affected(std::span<const Key> changed) const;
    void run(const Key& key, const ClusterState& state, Update& update);
    void keep_reads(const Units::value_type& unit_of, std::vector<ReadHash> reads, Unit& unit);
    void forget_reads(const Key& key, const Unit& unit);
    static void compare(const Key& key, Unit& unit, std::vector<config::Resource> resources, Update& update);
    void keep_problems(const Key& key, Unit& unit, const ClusterState& state, std::vector<Problem> found);
    void keep_status(PolicyStatus status, Update& update);
    ServiceProblems problems_of(const kube::ObjectKey& service) const;
};

// The units to run: those that changed themselves, those that read what changed. Services come first.
std::set<Key> Translator::Impl::affected(std::span<const Key> changed) const {
    std::set<Key> keys;
    for (const Key& key : changed) {
        if (is_unit(key.kind)) keys.insert(key);
        const auto [first, last] = readers.equal_range(read_hash(key.kind, key.object));
        for (auto reader = first; reader != last; ++reader) keys.insert(*reader->second);
    }
    return keys;
}

void Translator::Impl::run(const Key& key, const ClusterState& state, Update& update) {
    View view(state, announcements);
    Output out(key.to_string());
    if (key.kind == Kind::service) {
        translate_service(key.object, options, view, out);
    } else if (key.kind == Kind::endpoint_slice) {
        translate_slice(key.object, options, view, out);
    } else {
        keep_status(judge_policy(key.object, view), update);
    }
    out.close();
    ++update.computed;

    const auto [found, is_new] = units.try_emplace(key);
    Unit& unit = found->second;
    keep_reads(*found, view.take_reads(), unit);
    compare(key, unit, std::move(out.resources), update);
    keep_problems(key, unit, state, std::move(out.problems));

    if (exists(key, state)) return;
    forget_reads(found->first, unit);
    units.erase(found);
}

void Translator::Impl::keep_reads(const Units::value_type& unit_of, std::vector<ReadHash> reads, Unit& unit) {
    if (reads == unit.reads) return;
    forget_reads(unit_of.first, unit);
    for (const ReadHash read : reads) readers.emplace(read, &unit_of.first);
    unit.reads = std::move(reads);
}

void Translator::Impl::forget_reads(const Key& key, const Unit& unit) {
    for (const ReadHash read : unit.reads) {
        const auto [first, last] = readers.equal_range(read);
        for (auto reader = first; reader != last; ++reader) {
            if (*reader->second != key) continue;
            readers.erase(reader);
            break;
        }
    }
}

// What is new or different goes into the update, what is no more is removed.
void Translator::Impl::compare(const Key& key, Unit& unit, std::vector<config::Resource> resources, Update& update) {
    std::vector<Made> made;
    made.reserve(resources.size());
    for (config::Resource& resource : resources) {
        made.push_back({std::visit(NameOf{}, resource), fingerprint(resource), resource.index()});
        const auto before =
            std::find_if(unit.made.begin(), unit.made.end(), [&](const Made& m) { return m.is(made.back()); });
        if (before == unit.made.end() || before->fingerprint != made.back().fingerprint)
            update.upsert.push_back(std::move(resource));
    }
    for (const Made& before : unit.made) {
        const bool stays = std::any_of(made.begin(), made.end(), [&](const Made& m) { return m.is(before); });
        if (!stays) update.remove.push_back(key_of(key, before));
    }
    unit.made = std::move(made);
}

void Translator::Impl::keep_problems(const Key& key, Unit& unit, const ClusterState& state,
                                     std::vector<Problem> found) {
    kube::ObjectKey service;
    if (!found.empty()) service = key.kind == Kind::service ? key.object : service_of(*state.slice(key.object));
    if (!unit.blamed.name.empty() && unit.blamed != service) {
        auto& of_service = problems[unit.blamed];
        of_service.erase(key);
        if (of_service.empty()) problems.erase(unit.blamed);
        told.insert(unit.blamed);
    }
    unit.blamed = service;
    if (found.empty()) return;
    std::vector<Problem>& kept = problems[service][key];
    if (kept == found) return;
    kept = std::move(found);
    told.insert(service);
}

void Translator::Impl::keep_status(PolicyStatus status, Update& update) {
    const auto known = policies.find(status.policy);
    if (known != policies.end() ? known->second == status : status.conditions.empty()) return;
    update.policies.push_back(status);
    if (status.conditions.empty()) {
        policies.erase(known);
    } else {
        policies.insert_or_assign(status.policy, std::move(status));
    }
}

ServiceProblems Translator::Impl::problems_of(const kube::ObjectKey& service) const {
    ServiceProblems all{service, {}};
    const auto found = problems.find(service);
    if (found == problems.end()) return all;
    for (const auto& [unit, list] : found->second) all.problems.insert(all.problems.end(), list.begin(), list.end());
    return all;
}

Translator::Translator(Options options) : impl_(std::make_unique<Impl>()) { impl_->options = options; }
Translator::~Translator() = default;

Update Translator::update(const ClusterState& state, std::span<const Key> changed) {
    Update update;
    std::set<Key> affected = impl_->affected(changed);
    if (std::ranges::count(changed, store::kAllPools) != 0) {
        impl_->announcements.read(state);
    } else if (std::ranges::count(changed, Kind::node, &Key::kind) != 0 && impl_->announcements.read_nodes(state)) {
        affected.merge(impl_->affected({&store::kAllPools, 1}));
    }
    for (const Key& key : affected) impl_->run(key, state, update);
    std::sort(update.remove.begin(), update.remove.end());  // "endpoints" and "listener" before "upstream"
    for (const kube::ObjectKey& service : std::exchange(impl_->told, {}))
        update.services.push_back(impl_->problems_of(service));
    return update;
}

std::vector<ServiceProblems> Translator::problems() const {
    std::vector<ServiceProblems> all;
    for (const auto& [service, units] : impl_->problems) all.push_back(impl_->problems_of(service));
    return all;
}

std::vector<PolicyStatus> Translator::policies() const {
    std::vector<PolicyStatus> all;
    for (const auto& [key, status] : impl_->policies) all.push_back(status);
    return all;
}

const PolicyStatus* Translator::policy(const kube::ObjectKey& key) const {
    const auto found = impl_->policies.find(key);
    return found == impl_->policies.end() ? nullptr : &found->second;
}

size_t Translator::problem_count() const {
    size_t count = 0;
    for (const auto& [key, status] : impl_->policies) count += status.accepted()->status ? 0 : 1;
    for (const auto& [service, units] : impl_->problems) {
        for (const auto& [unit, list] : units) count += list.size();
    }
    return count;
}

}  // namespace steelyard::translate
