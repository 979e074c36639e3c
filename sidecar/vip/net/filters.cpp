#include "sidecar/vip/net/filters.hpp"

#include <sys/socket.h>

namespace steelyard::vip {
namespace {

constexpr uint32_t kEverything = 0xffff;
constexpr size_t kMaxInstructions = 2048;  // the kernel takes 4096
constexpr uint32_t kVridOffset = 1;
constexpr uint32_t kArpSenderIp = 14;
constexpr uint32_t kArpTargetIp = 24;

sock_filter statement(uint32_t code, uint32_t k) { return {static_cast<uint16_t>(code), 0, 0, k}; }

// A = value: the packet is taken.
void accept_if(Filter& filter, uint32_t value) {
    filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value});
    filter.push_back(statement(BPF_RET | BPF_K, kEverything));
}

uint32_t word(const Ip& ip) {
    return uint32_t{ip.bytes[0]} << 24 | uint32_t{ip.bytes[1]} << 16 | uint32_t{ip.bytes[2]} << 8 | ip.bytes[3];
}

Filter finished(Filter filter) {
    if (filter.size() >= kMaxInstructions) return {statement(BPF_RET | BPF_K, kEverything)};
    filter.push_back(statement(BPF_RET | BPF_K, 0));
    return filter;
}

}  // namespace

Filter vrrp_filter(Family family, const std::set<uint8_t>& router_ids) {
    Filter filter;
    if (family == Family::ipv4) {
        filter.push_back(statement(BPF_LDX | BPF_B | BPF_MSH, 0));  // X = the IP header's length
        filter.push_back(statement(BPF_LD | BPF_B | BPF_IND, kVridOffset));
    } else {
        filter.push_back(statement(BPF_LD | BPF_B | BPF_ABS, kVridOffset));
    }
    for (const uint8_t id : router_ids) accept_if(filter, id);
    return finished(std::move(filter));
}

Filter arp_filter(const std::set<Ip>& claimed, const std::set<Ip>& answered) {
    Filter filter;
    if (!claimed.empty()) {
        filter.push_back(statement(BPF_LD | BPF_W | BPF_ABS, kArpSenderIp));
        for (const Ip& ip : claimed) accept_if(filter, word(ip));
    }
    if (!answered.empty()) {
        filter.push_back(statement(BPF_LD | BPF_W | BPF_ABS, kArpTargetIp));
        for (const Ip& ip : answered) accept_if(filter, word(ip));
    }
    return finished(std::move(filter));
}

bool attach(int socket, const Filter& filter) {
    sock_fprog program{};
    program.len = static_cast<unsigned short>(filter.size());
    program.filter = const_cast<sock_filter*>(filter.data());  // the kernel only reads it
    return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace steelyard::vip
