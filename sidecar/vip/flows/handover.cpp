#include "sidecar/vip/flows/handover.hpp"

#include <algorithm>
#include <utility>

#include "common/log.hpp"

namespace steelyard::vip {

Handover::Handover(std::unique_ptr<FlowKernel> kernel, std::set<Family> families, Milliseconds limit,
                   std::function<void()> changed)
    : kernel_(std::move(kernel)), families_(std::move(families)), limit_(limit), changed_(std::move(changed)) {}

Handover::~Handover() { finish(); }

void Handover::failed(const Error& error) {
    ++stats_.failures;
    log::error("{}", error.to_string());
}

void Handover::forward(const std::vector<Ip>& addresses, const Ip& from, int index, TimePoint now) {
    const Milliseconds time = limit_ + kForwardMargin;
    for (const auto& address : addresses) {
        if (!families_.contains(address.family)) continue;
        const auto known = formers_.find(address);
        const bool same = known != formers_.end() && known->second.from == from && known->second.index == index;
        if (same && known->second.until > now + time / 2) continue;
        if (auto done = kernel_->forward(address, from, index, time); !done) {
            failed(done.error());
            formers_.erase(address);
            continue;
        }
        formers_[address] = {from, index, now + time};
        if (same) continue;
        ++stats_.forwarded;
        log::debug("{}: connections that are not known here go to {}", address.to_string(), from.to_string());
    }
}

void Handover::stop_forwarding(const std::vector<Ip>& addresses, const Ip& from) {
    for (const auto& address : addresses) {
        const auto known = formers_.find(address);
        if (known == formers_.end() || known->second.from != from) continue;
        formers_.erase(known);
        kernel_->stop_forwarding(address);
    }
}

void Handover::other_master(Key router, const std::vector<Ip>& addresses, const Ip& master) {
    const bool between = groups_.contains(router);
    for (const auto& address : addresses) {
        const auto known = formers_.find(address);
        if (known == formers_.end() || (between && known->second.from != master)) continue;
        formers_.erase(known);
        kernel_->stop_forwarding(address);
    }
}

void Handover::keep(Key router, const std::vector<Ip>& addresses, const Ip& own, TimePoint now,
                    std::function<void()> ended) {
    Group group{{}, now, 0, std::move(ended)};
    for (const auto& address : addresses) {
        if (!families_.contains(address.family)) continue;
        if (auto done = kernel_->keep(address, own, limit_ + kForwardMargin); !done) {
            failed(done.error());
            continue;
        }
        group.addresses.insert(address);
        ++stats_.kept;
    }
    if (group.addresses.empty()) return;
    groups_[router] = std::move(group);
    changed_();
}

void Handover::regain(const Ip& address) {
    bool found = false;
    for (auto entry = groups_.begin(); entry != groups_.end();) {
        if (entry->second.addresses.erase(address) > 0) {
            found = true;
            kernel_->let_go(address);
        }
        entry = entry->second.addresses.empty() ? groups_.erase(entry) : std::next(entry);
    }
    if (found) changed_();
}

void Handover::tick(TimePoint now) {
    std::erase_if(formers_, [&](const auto& entry) { return entry.second.until <= now; });
    if (groups_.empty() || listing_) return;
    listing_ = true;
    kernel_->list([this, now](const Result<std::vector<Connection>>& list) { on_list(list, now); });
}

void Handover::on_list(const Result<std::vector<Connection>>& list, TimePoint asked) {
    listing_ = false;
    if (!list) {
        ++stats_.failures;
        if (!std::exchange(list_failed_, true)) {
            log::error("{}; what is kept is kept until the limit", list.error().to_string());
        }
    }
    std::vector<Key> over;
    for (auto& [router, group] : groups_) {
        const bool late = asked >= group.since + limit_;
        size_t connections = 0;
        if (list) {
            for (const auto& connection : *list) {
                if (!group.addresses.contains(connection.local)) continue;
                ++connections;
                if (!late) continue;
                kernel_->reset(connection);
                ++stats_.resets;
            }
            group.connections = connections;
        }
        const bool done = list && connections == 0 && asked >= group.since + kLeastKept;
        if (late && connections > 0) {
            log::warn("router {} {}: {} connections have not ended within {} ms of the hand-over; they are reset",
                      router.first, to_string(router.second), connections, limit_.count());
        }
        if (done || late) over.push_back(router);
    }
    for (const auto& router : over) end(router);
}

void Handover::end(Key router) {
    const auto found = groups_.find(router);
    const Group group = std::move(found->second);
    groups_.erase(found);
    for (const auto& address : group.addresses) kernel_->let_go(address);
    if (group.ended) group.ended();
    changed_();
}

void Handover::finish() {
    for (const auto& [router, group] : groups_) {
        for (const auto& address : group.addresses) kernel_->let_go(address);
    }
    groups_.clear();
}

std::vector<Ip> Handover::kept_addresses() const {
    std::set<Ip> all;
    for (const auto& [router, group] : groups_) all.insert(group.addresses.begin(), group.addresses.end());
    return {all.begin(), all.end()};
}

size_t Handover::kept_connections() const {
    size_t all = 0;
    for (const auto& [router, group] : groups_) all += group.connections;
    return all;
}

size_t Handover::forwarded_addresses(TimePoint now) const {
    return static_cast<size_t>(
        std::count_if(formers_.begin(), formers_.end(), [&](const auto& entry) { return entry.second.until > now; }));
}

}  // namespace steelyard::vip
