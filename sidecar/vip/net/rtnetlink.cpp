#include "sidecar/vip/net/rtnetlink.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/log.hpp"

namespace steelyard::vip {
namespace {

constexpr size_t kDatagram = 32768;  // what the kernel fills a dump's datagrams to
constexpr int kDatagramsATurn = 64;
constexpr int kReceiveBuffer = 1 << 20;

std::string message_of(int error) { return std::generic_category().message(error); }

UniqueFd open_netlink(uint32_t groups, int flags) {
    UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE));
    if (!fd) return {};
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = groups;
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) return {};
    return fd;
}

using Buffer = std::array<uint8_t, kDatagram>;

// One datagram of the kernel; negative: -errno.
ssize_t receive(int fd, Buffer& buffer) {
    while (true) {
        sockaddr_nl from{};
        socklen_t size = sizeof from;
        const ssize_t n = recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (from.nl_pid == 0) return n;  // anyone may send to a netlink socket
    }
}

}  // namespace

Result<std::unique_ptr<Rtnetlink>> Rtnetlink::open(boost::asio::io_context& io, std::function<void()> on_change) {
    std::unique_ptr<Rtnetlink> made(new Rtnetlink());
    made->on_change_ = std::move(on_change);
    made->events_ = open_netlink(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, SOCK_NONBLOCK);
    made->requests_ = open_netlink(0, 0);
    if (!made->events_ || !made->requests_) return Error{"rtnetlink", "cannot open a socket: " + message_of(errno)};
    setsockopt(made->events_.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    const timeval patience{1, 0};
    setsockopt(made->requests_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (auto read = made->synchronize(); !read) return read.error();
    made->readable_ = std::make_unique<Readable>(io, made->events_.get(), [raw = made.get()] { raw->on_readable(); });
    return made;
}

Result<void> Rtnetlink::synchronize() {
    LinkTable fresh;
    for (const Dump what : {Dump::links, Dump::addresses}) {
        const auto messages = dump(what);
        if (!messages) return messages.error();
        for (const auto& message : *messages) fresh.apply(message);
    }
    table_ = std::move(fresh);
    return {};
}

Result<std::vector<NetlinkMessage>> Rtnetlink::dump(Dump what) {
    const uint32_t sequence = ++sequence_;
    const auto request = dump_request(what, sequence);
    if (send(requests_.get(), request.data(), request.size(), 0) < 0) {
        return Error{"rtnetlink", "cannot ask for a list: " + message_of(errno)};
    }
    std::vector<NetlinkMessage> all;
    Buffer buffer;
    while (true) {
        const ssize_t n = receive(requests_.get(), buffer);
        if (n < 0) return Error{"rtnetlink", "no whole list: " + message_of(static_cast<int>(-n))};
        for (auto& message : parse_netlink({buffer.data(), static_cast<size_t>(n)})) {
            const auto* answer = std::get_if<Answer>(&message);
            if (answer == nullptr) {
                all.push_back(std::move(message));
            } else if (answer->sequence == sequence) {
                if (answer->dump_end) return all;
                return Error{"rtnetlink", "a list was refused: " + message_of(answer->error)};
            }
        }
    }
}

// 0 or an errno.
int Rtnetlink::ask(const std::vector<uint8_t>& request, uint32_t sequence) {
    if (send(requests_.get(), request.data(), request.size(), 0) < 0) return errno;
    Buffer buffer;
    while (true) {
        const ssize_t n = receive(requests_.get(), buffer);
        if (n < 0) return static_cast<int>(-n);
        for (const auto& message : parse_netlink({buffer.data(), static_cast<size_t>(n)})) {
            const auto* answer = std::get_if<Answer>(&message);
            if (answer != nullptr && answer->sequence == sequence) return answer->error;
        }
    }
}

Error Rtnetlink::failed(const char* what, int index, const Prefix& address, int error) const {
    const Link* link = table_.find(index);
    const std::string name = link == nullptr ? "interface " + std::to_string(index) : link->name;
    return {name, std::string("cannot ") + what + " " + address.to_string() + ": " + message_of(error)};
}

Result<bool> Rtnetlink::add_address(int index, const Prefix& address) {
    const uint32_t sequence = ++sequence_;
    const int error = ask(address_request(true, sequence, index, address), sequence);
    if (error == EEXIST) return false;
    if (error != 0) return failed("add", index, address, error);
    // At once, though the kernel tells it, too: the table is not behind what we did ourselves.
    table_.apply(AddressMessage{false, index, address, kOurAddressProtocol, true, false});
    return true;
}

Result<void> Rtnetlink::remove_address(int index, const Prefix& address) {
    const uint32_t sequence = ++sequence_;
    const int error = ask(address_request(false, sequence, index, address), sequence);
    if (error != 0 && error != EADDRNOTAVAIL && error != ENODEV) return failed("remove", index, address, error);
    table_.apply(AddressMessage{true, index, address, 0, true, false});
    return {};
}

std::optional<int> Rtnetlink::default_route(Family family) {
    const auto routes = dump(family == Family::ipv4 ? Dump::routes_ipv4 : Dump::routes_ipv6);
    if (!routes) return std::nullopt;
    std::optional<DefaultRoute> best;
    for (const auto& message : *routes) {
        const auto* route = std::get_if<DefaultRoute>(&message);
        if (route != nullptr && (!best || route->metric < best->metric)) best = *route;
    }
    return best ? std::optional<int>(best->index) : std::nullopt;
}

void Rtnetlink::on_readable() {
    Buffer buffer;
    bool changed = false;  // what we have done ourselves is in the table already, and echoes change nothing
    for (int turn = 0; turn < kDatagramsATurn; ++turn) {
        const ssize_t n = receive(events_.get(), buffer);
        if (n == -ENOBUFS) {
            log::warn("rtnetlink: notifications were lost; reading all interfaces and addresses anew");
            if (auto read = synchronize(); !read) log::error("{}", read.error().to_string());
            changed = true;
            continue;
        }
        if (n < 0) break;
        for (const auto& message : parse_netlink({buffer.data(), static_cast<size_t>(n)})) {
            if (table_.apply(message)) changed = true;
        }
    }
    if (changed) on_change_();
}

}  // namespace steelyard::vip
