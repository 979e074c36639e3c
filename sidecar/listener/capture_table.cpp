#include "sidecar/listener/capture_table.hpp"

namespace steelyard {

void CaptureTable::add(const config::Upstream& upstream) {
    if (upstream.port == 0 || upstream.protocol == config::Protocol::udp) return;
    const auto name = std::make_shared<const std::string>(upstream.name);
    for (const auto& ip : upstream.cluster_ips) {
        if (const auto address = SocketAddress::parse(ip, upstream.port)) {
            upstreams_.try_emplace(AddressKey::of(*address), name);
        }
    }
}

const std::string* CaptureTable::find(const SocketAddress& destination) const {
    const auto found = upstreams_.find(AddressKey::of(destination));
    return found == upstreams_.end() ? nullptr : found->second.get();
}

}  // namespace steelyard
