#include "sidecar/vip/fleet.hpp"

#include <algorithm>

#include "common/log.hpp"
#include "sidecar/vip/leftovers.hpp"

namespace steelyard::vip {
namespace {

// How long backups wait before they take over from a master that has fallen silent, at least.
Milliseconds down_interval(const Router& router) { return 3 * router.advertisement_interval; }

bool shares_an_address(const RouterRunner& runner, const std::set<Ip>& addresses) {
    const auto& own = runner.router().addresses;
    return std::any_of(own.begin(), own.end(), [&](const Prefix& one) { return addresses.contains(one.ip); });
}

}  // namespace

Fleet::Fleet(boost::asio::io_context& io, Checksum ipv4_checksum, std::function<void()> changed)
    : io_(io), ports_(io), ipv4_checksum_(ipv4_checksum), changed_(std::move(changed)) {}

Fleet::~Fleet() = default;

Result<void> Fleet::open(Handover* flows) {
    auto opened = Rtnetlink::open(io_, [this] { on_links(); });
    if (!opened) return opened.error();
    netlink_ = std::move(*opened);
    context_ = std::make_unique<RunnerContext>(RunnerContext{io_, *netlink_, ports_, ipv4_checksum_,
                                                             [this](const Ip& ip) { return virtual_.contains(ip); },
                                                             changed_, flows});
    return {};
}

void Fleet::begin(const Config& config, const std::optional<StateFile>& state, uint64_t now_ms, bool ready) {
    ready_ = ready;
    learn_addresses(config);
    std::vector<Key> kept;
    for (const auto& router : config.routers) {
        const RouterStatus* status = find_status(state, router.id, router.family);
        const bool was_master = status != nullptr && status->state == RouterState::master;
        const bool still = router.by_lease()
                               ? router.lease_until_ms > now_ms
                               : was_master && is_fresh(*state, state->boot_id, now_ms, down_interval(router));
        if (ready && was_master && still) {
            kept.emplace_back(router.id, router.family);
        }
    }
    for (const auto& left : leftovers(netlink_->table(), state, config, kept)) {
        log::info("{} was left by an earlier run; removing it", left.address.to_string());
        if (auto removed = netlink_->remove_address(left.index, left.address); !removed) {
            log::error("{}", removed.error().to_string());
        }
    }
    for (const auto& router : config.routers) {
        add(router, std::find(kept.begin(), kept.end(), Key(router.id, router.family)) != kept.end());
    }
}

void Fleet::add(const Router& router, bool resume) {
    auto made = std::make_unique<RouterRunner>(*context_, router);
    RouterRunner& runner = *made;
    runners_.emplace(Key(router.id, router.family), std::move(made));
    runner.start(ready_, resume);
}

// Of routers that are ending, too: until then their addresses are no source for adverts.
void Fleet::learn_addresses(const Config& config) {
    virtual_.clear();
    for (const auto& router : config.routers) {
        for (const auto& address : router.addresses) virtual_.insert(address.ip);
    }
    for (const auto& runner : ending_) {
        for (const auto& address : runner->router().addresses) virtual_.insert(address.ip);
    }
}

// Those that are not wanted any more; at once where another router is to have one of their addresses or their id.
void Fleet::end_missing(const std::map<Key, const Router*>& wanted, const std::set<Ip>& addresses) {
    for (auto entry = runners_.begin(); entry != runners_.end();) {
        const auto found = wanted.find(entry->first);
        const bool by_lease = entry->second->router().by_lease();
        if (found != wanted.end() && found->second->by_lease() == by_lease) {
            ++entry;
            continue;
        }
        entry->second->stop();
        ending_.push_back(std::move(entry->second));
        entry = runners_.erase(entry);
    }
    for (const auto& runner : ending_) {
        const bool comes_back = wanted.contains({runner->router().id, runner->router().family});
        if (comes_back || shares_an_address(*runner, addresses)) runner->finish(false);
    }
    forget_finished();
}

void Fleet::apply(const Config& config) {
    std::map<Key, const Router*> wanted;
    std::set<Ip> addresses;
    for (const auto& router : config.routers) {
        wanted.emplace(Key(router.id, router.family), &router);
        for (const auto& address : router.addresses) addresses.insert(address.ip);
    }
    end_missing(wanted, addresses);
    learn_addresses(config);
    for (const auto& [key, runner] : runners_) runner->release(*wanted.at(key));
    for (const auto& router : config.routers) {
        const auto found = runners_.find(Key(router.id, router.family));
        if (found == runners_.end()) {
            add(router, false);
        } else {
            found->second->update(router);
        }
    }
    changed_();
}

void Fleet::set_ready(bool ready) {
    if (ready_ == ready) return;
    ready_ = ready;
    for (const auto& [key, runner] : runners_) runner->set_ready(ready);
}

void Fleet::on_links() {
    ports_.follow(netlink_->table());
    for (const auto& [key, runner] : runners_) runner->on_links();
}

void Fleet::tend() {
    for (const auto& [key, runner] : runners_) runner->on_links();
    forget_finished();
}

void Fleet::forget_finished() {
    std::erase_if(ending_, [](const auto& runner) { return runner->finished(); });
}

void Fleet::stop() {
    for (auto& [key, runner] : runners_) {
        runner->stop();
        ending_.push_back(std::move(runner));
    }
    runners_.clear();
    changed_();
}

bool Fleet::finished() {
    forget_finished();
    return runners_.empty() && ending_.empty();
}

void Fleet::finish(bool keep) {
    for (const auto& runner : ending_) runner->finish(keep);
    forget_finished();
}

bool Fleet::any_master() const {
    return std::any_of(runners_.begin(), runners_.end(),
                       [](const auto& entry) { return entry.second->machine().state() == State::master; });
}

Milliseconds Fleet::shortest_interval() const {
    Milliseconds shortest = kMaxAdvertInterval;
    for (const auto& [key, runner] : runners_) {
        // How old the file may be matters to adverts alone.
        if (!runner->router().by_lease()) shortest = std::min(shortest, runner->router().advertisement_interval);
    }
    return shortest;
}

}  // namespace steelyard::vip
