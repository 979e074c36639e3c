#include "controller/ipam/free_space.hpp"

#include <iterator>

namespace steelyard::ipam {
namespace {

size_t index_of(const Address& address) { return static_cast<size_t>(address.family); }
Address after(const Address& address) { return {address.family, address.value + 1}; }
Address before(const Address& address) { return {address.family, address.value - 1}; }

}  // namespace

FreeSpace::FreeSpace(const std::vector<Range>& ranges, size_t remembered) : remembered_(remembered) {
    for (const Range& range : ranges) {
        intervals_.emplace(range.first, range.last);
        counts_[index_of(range.first)] += range.size();
    }
}

void FreeSpace::take(const Address& address) {
    if (const auto found = returns_.find(address); found != returns_.end()) {
        returned_[index_of(address)].erase(found->second);
        returns_.erase(found);
        --counts_[index_of(address)];
        return;
    }
    auto interval = intervals_.upper_bound(address);
    if (interval == intervals_.begin()) return;
    --interval;
    const auto [first, last] = *interval;
    if (last < address) return;
    --counts_[index_of(address)];
    if (first == address) {
        intervals_.erase(interval);
    } else {
        interval->second = before(address);
    }
    if (address != last) intervals_.emplace(after(address), last);
}

void FreeSpace::give_back(const Address& address) {
    Returns& returned = returned_[index_of(address)];
    returned.emplace(next_, address);
    returns_.emplace(address, next_++);
    ++counts_[index_of(address)];
    if (returned.size() <= remembered_) return;
    const Address oldest = returned.begin()->second;
    returned.erase(returned.begin());
    returns_.erase(oldest);
    put(oldest);
}

void FreeSpace::put(const Address& address) {
    Address first = address;
    Address last = address;
    auto next = intervals_.upper_bound(address);
    if (next != intervals_.end() && next->first == after(address)) {
        last = next->second;
        next = intervals_.erase(next);
    }
    if (next != intervals_.begin()) {
        const auto previous = std::prev(next);
        if (after(previous->second) == address) {
            first = previous->first;
            intervals_.erase(previous);
        }
    }
    intervals_.emplace(first, last);
}

bool FreeSpace::is_free(const Address& address) const {
    if (returns_.contains(address)) return true;
    const auto next = intervals_.upper_bound(address);
    return next != intervals_.begin() && address <= std::prev(next)->second;
}

std::optional<Address> FreeSpace::pick(Family family) const {
    const auto lowest = intervals_.lower_bound(Address{family, 0});
    if (lowest != intervals_.end() && lowest->first.family == family) return lowest->first;
    const Returns& returned = returned_[static_cast<size_t>(family)];
    if (returned.empty()) return std::nullopt;
    return returned.begin()->second;
}

}  // namespace steelyard::ipam
