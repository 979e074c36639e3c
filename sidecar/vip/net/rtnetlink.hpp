#pragma once
// The kernel's interfaces and addresses: followed by notifications, changed by requests. Notifications that were lost (the kernel says
// so) lead to reading everything anew. One thread, the io_context's; a request takes as long as the kernel does, microseconds.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "sidecar/reactor/fd.hpp"
#include "sidecar/vip/net/link_table.hpp"
#include "sidecar/vip/net/readable.hpp"

namespace steelyard::vip {

class Rtnetlink {
public:
    // `on_change` is called after the table has changed, once for all that arrived together; never within open().
    static Result<std::unique_ptr<Rtnetlink>> open(boost::asio::io_context& io, std::function<void()> on_change);

    const LinkTable& table() const { return table_; }
    // False: it was there already, and is not ours to remove. The error says which address and interface.
    Result<bool> add_address(int index, const Prefix& address);
    // One that is gone already is no error.
    Result<void> remove_address(int index, const Prefix& address);
    // The interface of the default route of the least metric in the main table; asks the kernel.
    std::optional<int> default_route(Family family);

private:
    Rtnetlink() = default;
    Result<void> synchronize();
    Result<std::vector<NetlinkMessage>> dump(Dump what);
    int ask(const std::vector<uint8_t>& request, uint32_t sequence);
    Error failed(const char* what, int index, const Prefix& address, int error) const;
    void on_readable();

    UniqueFd requests_, events_;
    uint32_t sequence_ = 0;
    LinkTable table_;
    std::function<void()> on_change_;
    std::unique_ptr<Readable> readable_;
};

}  // namespace steelyard::vip
