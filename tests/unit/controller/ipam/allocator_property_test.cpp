// What holds after any change: random Services and pools come, go and change, and now and then the Allocator is started anew with
// what was held. Fixed seeds.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "controller/ipam/pool.hpp"
#include "tests/unit/controller/ipam/fixture.hpp"

namespace steelyard::ipam::testing {
namespace {

constexpr int kSeeds = 30;
constexpr int kSteps = 250;

struct World {
    std::mt19937 random;
    std::vector<PoolSpec> specs;
    std::map<std::string, ServiceRequest> requests;

    explicit World(unsigned seed) : random(seed) {}
    unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class T>
    T one_of(std::vector<T> all) {
        return all[below(static_cast<unsigned>(all.size()))];
    }
    std::string address() {
        if (chance(50)) return "192.0.2." + std::to_string(below(40));
        return "2001:db8::" + std::to_string(below(10));
    }
    PoolSpec random_pool(const std::string& name) {
        PoolSpec spec = pool(name, {});
        spec.created = "2026-0" + std::to_string(1 + below(3)) + "-01T00:00:00Z";
        const unsigned first = below(30);
        spec.addresses = {"192.0.2." + std::to_string(first) + "-192.0.2." + std::to_string(first + below(8))};
        if (chance(50)) spec.addresses.push_back("2001:db8::" + std::to_string(below(6)) + "/127");
        if (chance(5)) spec.addresses.push_back("192.0.2.9-192.0.2.1");
        spec.auto_assign = chance(80);
        if (chance(20)) spec.namespaces = {"shop"};
        if (chance(20)) spec.service_selector = Selector{{{"tier", "web"}}, {}};
        if (chance(50)) {
            spec.router_ids.name = one_of<std::string>({"lan", "wan"});
            spec.router_ids.first = static_cast<uint8_t>(1 + below(3));
            spec.router_ids.last = static_cast<uint8_t>(spec.router_ids.first + below(5));
        }
        return spec;
    }
    ServiceRequest random_service(const std::string& key) {
        ServiceRequest request = service(key);
        request.created = "2026-0" + std::to_string(1 + (std::hash<std::string>{}(key) % 3)) + "-01T00:00:00Z";
        if (chance(30)) request.labels = {{"tier", "web"}};
        request.families = one_of<std::vector<Family>>(
            {{Family::ipv4}, {Family::ipv6}, {Family::ipv4, Family::ipv6}, {Family::ipv6, Family::ipv4}, {}});
        request.policy = one_of<FamilyPolicy>({FamilyPolicy::single_stack, FamilyPolicy::single_stack,
                                               FamilyPolicy::prefer_dual_stack, FamilyPolicy::require_dual_stack});
        if (chance(25)) request.requested.push_back(address());
        if (chance(5)) request.requested.push_back(address());
        if (chance(10)) request.pool = one_of<std::string>({"a", "b", "c", "none"});
        if (chance(50)) request.sharing_key = one_of<std::string>({"k", "q"});
        request.ports.clear();
        for (const PortUse& port : {PortUse{"TCP", 80}, {"TCP", 443}, {"UDP", 53}, {"TCP", 53}}) {
            if (chance(35)) request.ports.push_back(port);
        }
        request.local = chance(30);
        return request;
    }
};

// What the rules say, written down without the Allocator's means.
class Judge {
public:
    Judge(const World& world, const Allocator& allocator) : world_(&world), pools_(judge_pools(world.specs)) {
        for (const auto& [key, request] : world.requests) now_[key] = *allocator.find(key);
    }
    const std::map<std::string, Allocation>& now() const { return now_; }
    const Pool* pool_of(const Address& address) const {
        for (const bool accepted : {true, false}) {
            for (const Pool& one : pools_) {
                if (one.accepted == accepted && one.contains(address)) return &one;
            }
        }
        return nullptr;
    }
    bool may_stay(const ServiceRequest& request, const Address& address) const {
        const Pool* one = pool_of(address);
        return one != nullptr && (!one->accepted || one->admits(request.ns, request.labels));
    }
    void addresses_are_in_order() const {
        for (const auto& [key, has] : now_) {
            const ServiceRequest& request = world_->requests.at(key);
            ASSERT_EQ(has.addresses.empty(), has.router_id == 0) << key;
            ASSERT_EQ(has.fault == Fault::none, has.problem.empty()) << key;
            ASSERT_TRUE(!has.addresses.empty() || has.fault != Fault::none) << key;
            std::set<Family> families;
            for (const Address& address : has.addresses) {
                ASSERT_TRUE(families.insert(address.family).second) << key;
                ASSERT_TRUE(may_stay(request, address)) << key << " " << address.to_string();
            }
        }
    }
    void nobody_has_what_is_anothers() const {
        for (const auto& [a, has_a] : now_) {
            for (const auto& [b, has_b] : now_) {
                if (a >= b) continue;
                bool common = false;
                for (const Address& address : has_a.addresses)
                    common = common || std::ranges::count(has_b.addresses, address) != 0;
                if (common) may_share(a, b);
                if (has_a.router_id == has_b.router_id && has_a.router_id != 0) may_share_id(a, b);
            }
        }
    }
    void nothing_free_is_withheld() const {
        std::set<Address> used;
        for (const auto& [key, has] : now_) used.insert(has.addresses.begin(), has.addresses.end());
        for (const auto& [key, has] : now_) {
            if (has.fault != Fault::exhausted) continue;
            const ServiceRequest& request = world_->requests.at(key);
            const bool plain = request.requested.empty() && request.policy == FamilyPolicy::single_stack;
            const Family family = request.families.empty() ? Family::ipv4 : request.families[0];
            for (const Pool& one : pools_) {
                const bool open = request.pool.empty() ? one.spec.auto_assign : request.pool == one.spec.name;
                if (!plain || !one.accepted || !open || !one.admits(request.ns, request.labels)) continue;
                for (const Range& range : one.ranges) {
                    for (Address next = range.first; next <= range.last; ++next.value) {
                        ASSERT_TRUE(next.family != family || used.contains(next)) << key << " " << next.to_string();
                    }
                }
            }
        }
    }
    void pools_are_counted(const Allocator& allocator) const {
        std::set<Address> used;
        for (const auto& [key, has] : now_) used.insert(has.addresses.begin(), has.addresses.end());
        for (const PoolStatus& status : allocator.pools()) {
            const auto one = std::ranges::find_if(pools_, [&](const Pool& p) { return p.spec.name == status.name; });
            const auto inside = std::ranges::count_if(used, [&](const Address& a) { return one->contains(a); });
            ASSERT_EQ(status.assigned, inside) << status.name;
            ASSERT_EQ(status.available, one->accepted ? status.total - inside : 0) << status.name;
        }
    }
    // Who has all that it wants and did not change keeps it, as far as the pools let it.
    void nothing_is_lost(const Judge& before, const std::string& changed, bool same_pools) const {
        const bool same_ids = announced_alike(before);
        for (const auto& [key, had] : before.now_) {
            if (key == changed || !now_.contains(key)) continue;
            const Allocation& has = now_.at(key);
            if (same_pools && had.fault == Fault::none && had.addresses.size() == has.addresses.size()) {
                ASSERT_EQ(had.addresses, has.addresses) << key;
            }
            // Local Services that were connected by one that left need ids of their own, of which there may be none.
            if (same_pools && !world_->requests.at(key).local) {
                ASSERT_GE(has.addresses.size(), had.addresses.size())
                    << key << ": " << told(&had) << " / " << told(&has);
            }
            if (!same_ids || had.fault != Fault::none || world_->requests.at(key).local) continue;
            if (!world_->requests.at(key).pool.empty()) continue;  // what it is in may be another pool now
            for (const Address& address : had.addresses) {
                if (!may_stay(world_->requests.at(key), address)) continue;
                ASSERT_EQ(std::ranges::count(has.addresses, address), 1)
                    << key << ": " << told(&had) << " / " << told(&has);
            }
        }
    }

private:
    void may_share(const std::string& a, const std::string& b) const {
        const ServiceRequest& one = world_->requests.at(a);
        const ServiceRequest& other = world_->requests.at(b);
        ASSERT_FALSE(one.sharing_key.empty()) << a << " " << b;
        ASSERT_EQ(one.sharing_key, other.sharing_key) << a << " " << b;
        ASSERT_EQ(one.ns, other.ns);
        ASSERT_EQ(one.local, other.local) << a << " " << b;
        ASSERT_EQ(now_.at(a).router_id, now_.at(b).router_id) << a << " " << b;
        for (const PortUse& port : one.ports) ASSERT_EQ(std::ranges::count(other.ports, port), 0) << a << " " << b;
    }
    void may_share_id(const std::string& a, const std::string& b) const {
        const std::string& domain = pool_of(now_.at(a).addresses.front())->spec.router_ids.name;
        ASSERT_EQ(domain, pool_of(now_.at(b).addresses.front())->spec.router_ids.name) << a << " " << b;
        if (!world_->requests.at(a).local && !world_->requests.at(b).local) return;
        ASSERT_TRUE(connected(a).contains(b)) << a << " " << b << ": a Local Service's id is its own";
    }
    // Every Service's first address stays, and is announced as before.
    bool announced_alike(const Judge& before) const {
        return std::ranges::all_of(before.now_, [&](const auto& one) {
            const auto request = world_->requests.find(one.first);
            if (one.second.addresses.empty() || request == world_->requests.end()) return true;
            const Address& first = one.second.addresses.front();
            return may_stay(request->second, first) &&
                   pool_of(first)->spec.router_ids == before.pool_of(first)->spec.router_ids;
        });
    }
    std::set<std::string> connected(const std::string& from) const {
        std::set<std::string> found = {from};
        for (size_t size = 0; size != found.size();) {
            size = found.size();
            std::set<Address> all;
            for (const std::string& key : found)
                all.insert(now_.at(key).addresses.begin(), now_.at(key).addresses.end());
            for (const auto& [key, has] : now_) {
                for (const Address& address : has.addresses) {
                    if (all.contains(address)) found.insert(key);
                }
            }
        }
        return found;
    }

    const World* world_;
    std::vector<Pool> pools_;
    std::map<std::string, Allocation> now_;
};

// A new Allocator that hears of everything in a random order, with what is held as a status has it.
std::unique_ptr<Allocator> restarted(World& world, const std::map<std::string, Allocation>& held) {
    auto made = std::make_unique<Allocator>();
    std::vector<ServiceRequest> requests;
    for (const auto& [key, request] : world.requests) {
        requests.push_back(request);
        requests.back().held.clear();
        for (const Address& address : held.at(key).addresses) requests.back().held.push_back(address.to_string());
        requests.back().held_router_id = held.at(key).router_id;
    }
    std::shuffle(requests.begin(), requests.end(), world.random);
    std::vector<PoolSpec> specs = world.specs;
    std::shuffle(specs.begin(), specs.end(), world.random);
    made->set_pools(specs);
    for (const ServiceRequest& request : requests) made->upsert(request);
    made->settle();
    return made;
}

void change(World& world, Allocator& allocator, std::string& changed) {
    if (world.chance(10)) {
        const std::string name = world.one_of<std::string>({"a", "b", "c"});
        std::erase_if(world.specs, [&](const PoolSpec& spec) { return spec.name == name; });
        if (world.chance(85)) world.specs.push_back(world.random_pool(name));
        allocator.set_pools(world.specs);
        return;
    }
    changed = world.one_of<std::string>({"shop", "bank"}) + "/s" + std::to_string(world.below(14));
    if (world.chance(30)) {
        world.requests.erase(changed);
        allocator.remove(changed);
    } else {
        world.requests[changed] = world.random_service(changed);
        allocator.upsert(world.requests[changed]);
    }
}

void run(unsigned seed) {
    World world(seed);
    for (const char* name : {"a", "b", "c"}) world.specs.push_back(world.random_pool(name));
    auto allocator = std::make_unique<Allocator>();
    allocator->set_pools(world.specs);
    allocator->settle();
    Judge before(world, *allocator);
    for (int step = 0; step < kSteps && !::testing::Test::HasFatalFailure(); ++step) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
        const std::vector<PoolSpec> specs = world.specs;
        std::string changed;
        change(world, *allocator, changed);
        allocator->settle();
        const Judge judge(world, *allocator);
        judge.addresses_are_in_order();
        judge.nobody_has_what_is_anothers();
        judge.nothing_free_is_withheld();
        judge.pools_are_counted(*allocator);
        judge.nothing_is_lost(before, changed, specs == world.specs);
        if (step % 4 == 0) {
            std::unique_ptr<Allocator> one = restarted(world, judge.now());
            const std::unique_ptr<Allocator> other = restarted(world, judge.now());
            for (const auto& [key, has] : judge.now()) {
                const Allocation& again = *one->find(key);  // of two reasons to have nothing it may name the other
                ASSERT_EQ(again.addresses, has.addresses) << key << ": " << told(&again) << " / " << told(&has);
                ASSERT_EQ(again.router_id, has.router_id) << key;
                ASSERT_EQ(again.fault == Fault::none, has.fault == Fault::none) << key;
                ASSERT_EQ(told(one->find(key)), told(other->find(key))) << key;
            }
            if (world.chance(50)) allocator = std::move(one);
        }
        before = Judge(world, *allocator);
    }
}

TEST(AllocatorProperty, HoldsAfterAnyChange) {
    for (unsigned seed = 1; seed <= kSeeds && !::testing::Test::HasFatalFailure(); ++seed) run(seed);
}

}  // namespace
}  // namespace steelyard::ipam::testing
