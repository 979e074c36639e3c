// Whatever the network, the kernel or the proxy beside sends: ARP and neighbour discovery, rtnetlink, sock_diag, an answer to a readiness
// probe. No crash, nothing read beyond the end, and what is read of ARP says the same when it is built again.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "sidecar/vip/flows/messages.hpp"
#include "sidecar/vip/http_answer.hpp"
#include "sidecar/vip/net/frames.hpp"
#include "sidecar/vip/net/link_table.hpp"
#include "sidecar/vip/net/netlink_message.hpp"

namespace {

using namespace steelyard::vip;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_netlink(std::span<const uint8_t> bytes) {
    LinkTable table;
    for (const auto& message : parse_netlink(bytes)) table.apply(message);
    for (const auto& [index, link] : table.links()) {
        require(index > 0 && !link.name.empty());
        for (const auto& entry : link.addresses) require(entry.address.contains(entry.address.ip));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::span<const uint8_t> bytes(data, size);
    if (const auto arp = parse_arp(bytes)) {
        const Frame again = arp_answer(arp->sender_mac, arp->sender_ip, {}, arp->target_ip);
        const auto read = parse_arp(std::span(again).subspan(14));
        require(read && read->sender_ip == arp->sender_ip && read->target_ip == arp->target_ip);
    }
    if (const auto neighbour = parse_neighbour(bytes)) require(neighbour->target.family == Family::ipv6);
    check_netlink(bytes);
    parse_local_routes(bytes);
    for (const auto& connection : parse_connections(bytes, 5).connections) {
        require(!reset_request(connection, 6).empty());
    }
    HttpAnswer answer;
    if (read_answer({reinterpret_cast<const char*>(data), size}, answer) == Reading::done) {
        require(answer.status >= 200 && answer.status < 600 && answer.size <= size);
    }
    return 0;
}
