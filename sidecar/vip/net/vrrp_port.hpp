#pragma once
// A raw socket for VRRP on one interface and family, for all its virtual routers: sends with TTL or hop limit 255 from the address that
// is asked for, receives from the group and by unicast. A filter in the kernel keeps other routers' ids away. One thread.
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>

#include "common/result.hpp"
#include "sidecar/reactor/fd.hpp"
#include "sidecar/vip/net/ip.hpp"
#include "sidecar/vip/net/link_table.hpp"
#include "sidecar/vip/net/readable.hpp"

namespace steelyard::vip {

// A message and what its IP header said. Not a whole IP packet of VRRP: `message` is empty.
struct VrrpPacket {
    Ip source;
    Ip destination;
    uint8_t hop_limit = 0;
    std::span<const uint8_t> message;
};

class VrrpPort {
public:
    using Handler = std::function<void(const VrrpPacket&)>;

    // The error names the interface and what could not be done. The handler is called in turns of at most 64 packets.
    static Result<std::unique_ptr<VrrpPort>> open(boost::asio::io_context& io, const Link& link, Family family,
                                                  Handler handler);
    void set_router_ids(const std::set<uint8_t>& router_ids);
    // 0 or an errno.
    int send(const Ip& source, const Ip& destination, std::span<const uint8_t> message) const;

private:
    VrrpPort(int index, Family family, Handler handler)
        : index_(index), family_(family), handler_(std::move(handler)) {}
    Result<void> prepare(const Link& link);
    void on_readable();

    int index_;
    Family family_;
    Handler handler_;
    UniqueFd socket_;
    std::unique_ptr<Readable> readable_;
};

}  // namespace steelyard::vip
