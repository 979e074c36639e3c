#pragma once
// The connections that this process makes to where captured ones were going, so that one that comes back to it is known: that
// happens when the redirection does not spare the proxy, and would go round until a limit stops it. A pair of addresses names
// a connection exactly within one network namespace. Safe from any thread; the lock is taken twice in the life of a
// connection that is passed through and once when one is captured.
#include <mutex>
#include <unordered_set>

#include "sidecar/reactor/address_key.hpp"

namespace steelyard {

class OwnConnections {
public:
    struct Pair {
        AddressKey from;
        AddressKey to;
        friend bool operator==(const Pair&, const Pair&) = default;
    };

    void add(const Pair& pair) {
        const std::lock_guard lock(mutex_);
        pairs_.insert(pair);
    }
    void remove(const Pair& pair) {
        const std::lock_guard lock(mutex_);
        pairs_.erase(pair);
    }
    bool contains(const Pair& pair) const {
        const std::lock_guard lock(mutex_);
        return pairs_.contains(pair);
    }

private:
    struct PairHash {
        size_t operator()(const Pair& pair) const {
            return AddressKeyHash{}(pair.from) * 31 + AddressKeyHash{}(pair.to);
        }
    };
    mutable std::mutex mutex_;
    std::unordered_set<Pair, PairHash> pairs_;
};

}  // namespace steelyard
