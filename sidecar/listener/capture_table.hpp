#pragma once
// Which upstream stands behind a Service's address: built on the main thread from the configuration in force, immutable, and
// shared by all workers.
#include <memory>
#include <string>
#include <unordered_map>

#include "common/config/model.hpp"
#include "sidecar/reactor/address_key.hpp"

namespace steelyard {

class CaptureTable {
public:
    // Of two upstreams that claim an address and port the one that was added first has it. Upstreams of UDP, ports 0 and texts that are no
    // address are passed over (validation refuses them earlier).
    void add(const config::Upstream& upstream);

    // The canonical name of the upstream, nullptr when none is known there.
    const std::string* find(const SocketAddress& destination) const;
    size_t size() const { return upstreams_.size(); }

private:
    std::unordered_map<AddressKey, std::shared_ptr<const std::string>, AddressKeyHash> upstreams_;
};

}  // namespace steelyard
