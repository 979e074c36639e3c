#include "sidecar/vip/flows/kernel.hpp"

#include <linux/netlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "common/log.hpp"
#include "common/net/asio.hpp"
#include "sidecar/nft/nft.hpp"
#include "sidecar/reactor/fd.hpp"
#include "sidecar/vip/flows/rules.hpp"
#include "sidecar/vip/net/netlink_message.hpp"

namespace steelyard::vip {
namespace {

constexpr size_t kDatagram = 32768;  // what the kernel fills a list's datagrams to
constexpr int kDatagramsATurn = 16;  // some 7'000 connections: a few milliseconds
constexpr const char* kWhere = "flow hand-over";
using Buffer = std::array<uint8_t, kDatagram>;

std::string message_of(int error) { return std::generic_category().message(error); }

UniqueFd open_netlink(int protocol) {
    UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) return {};
    const timeval patience{1, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

// One datagram of the kernel; negative: -errno.
ssize_t receive(int fd, Buffer& buffer, int flags) {
    while (true) {
        sockaddr_nl from{};
        socklen_t size = sizeof from;
        const ssize_t n = recvfrom(fd, buffer.data(), buffer.size(), flags, reinterpret_cast<sockaddr*>(&from), &size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (from.nl_pid == 0) return n;  // anyone may send to a netlink socket
    }
}

// The first error of what the kernel answers. All answers are there when send() returns.
int ask(int fd, const std::vector<uint8_t>& request) {
    if (send(fd, request.data(), request.size(), 0) < 0) return errno;
    Buffer buffer;
    int error = 0;
    while (true) {
        const ssize_t n = receive(fd, buffer, MSG_DONTWAIT);
        if (n < 0) return error;
        for (const auto& message : parse_netlink({buffer.data(), static_cast<size_t>(n)})) {
            const auto* answer = std::get_if<Answer>(&message);
            if (answer != nullptr && error == 0) error = answer->error;
        }
    }
}

FlowFamily table_of(const Ip& ip) { return ip.family == Family::ipv4 ? FlowFamily::ip : FlowFamily::ip6; }

std::vector<uint8_t> octets_of(const Ip& ip) { return {ip.octets().begin(), ip.octets().end()}; }

std::vector<uint8_t> octets_of(int index) {
    std::vector<uint8_t> octets(sizeof index);
    std::memcpy(octets.data(), &index, sizeof index);
    return octets;
}

}  // namespace

struct NetlinkFlowKernel::Core : std::enable_shared_from_this<Core> {
    explicit Core(asio::io_context& context) : io(context) {}

    int change(bool add, FlowFamily family, const std::vector<FlowElement>& elements, Milliseconds time) {
        const auto request = element_batch(add, sequence, family, elements, time);
        sequence += static_cast<uint32_t>(elements.size()) + 2;
        return ask(filter.get(), request);
    }
    // One by one: what has run out is not there.
    void remove(FlowFamily family, const std::vector<FlowElement>& elements) {
        for (const auto& one : elements) change(false, family, {one}, {});
    }
    int route(bool add, const Ip& ip) { return ask(routes.get(), local_route_request(add, ++sequence, ip, loopback)); }
    Result<void> remove_left_routes(Family family);

    void begin_list(Family socket);
    void read_list();
    void end_list(Result<std::vector<Connection>> result) {
        listed.clear();
        std::exchange(done, nullptr)(std::move(result));
    }

    asio::io_context& io;
    UniqueFd filter, routes, sockets, resets;
    int loopback = 1;
    uint32_t sequence = 1;
    uint32_t list_sequence = 0;
    Family list_family = Family::ipv4;
    std::vector<Connection> listed;
    std::function<void(Result<std::vector<Connection>>)> done;
};

Result<void> NetlinkFlowKernel::Core::remove_left_routes(Family family) {
    const auto request = local_routes_request(family, ++sequence);
    if (send(routes.get(), request.data(), request.size(), 0) < 0) return Error{kWhere, message_of(errno)};
    std::vector<Ip> left;
    Buffer buffer;
    bool end = false;
    while (!end) {
        const ssize_t n = receive(routes.get(), buffer, 0);
        if (n < 0) return Error{kWhere, "no whole list of routes: " + message_of(static_cast<int>(-n))};
        const std::span<const uint8_t> datagram(buffer.data(), static_cast<size_t>(n));
        for (const auto& ip : parse_local_routes(datagram)) left.push_back(ip);
        for (const auto& message : parse_netlink(datagram)) {
            if (std::holds_alternative<Answer>(message)) end = true;
        }
    }
    for (const auto& ip : left) {
        log::info("a route of {} was left by an earlier run; removing it", ip.to_string());
        route(false, ip);
    }
    return {};
}

void NetlinkFlowKernel::Core::begin_list(Family socket) {
    list_family = socket;
    list_sequence = ++sequence;
    const auto request = connections_request(socket, list_sequence);
    if (send(sockets.get(), request.data(), request.size(), 0) < 0) {
        return end_list(Error{kWhere, "cannot ask for the connections: " + message_of(errno)});
    }
    read_list();
}

// In pieces: a node may have very many, and there are advertisements to be sent meanwhile.
void NetlinkFlowKernel::Core::read_list() {
    Buffer buffer;
    for (int turn = 0; turn < kDatagramsATurn; ++turn) {
        const ssize_t n = receive(sockets.get(), buffer, 0);
        if (n < 0) return end_list(Error{kWhere, "no whole list of connections: " + message_of(static_cast<int>(-n))});
        const auto part = parse_connections({buffer.data(), static_cast<size_t>(n)}, list_sequence);
        listed.insert(listed.end(), part.connections.begin(), part.connections.end());
        if (part.error != 0) {
            return end_list(Error{kWhere, "the list of connections was refused: " + message_of(part.error)});
        }
        if (!part.end) continue;
        if (list_family == Family::ipv4) return begin_list(Family::ipv6);
        return end_list(std::move(listed));
    }
    asio::post(io, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->read_list();
    });
}

Result<void> install_flow_rules(Family family, const std::string& nft) { return run_nft(nft, flow_rules(family)); }

Result<std::unique_ptr<NetlinkFlowKernel>> NetlinkFlowKernel::open(asio::io_context& io) {
    auto core = std::make_shared<Core>(io);
    core->filter = open_netlink(NETLINK_NETFILTER);
    core->routes = open_netlink(NETLINK_ROUTE);
    core->sockets = open_netlink(NETLINK_SOCK_DIAG);
    core->resets = open_netlink(NETLINK_SOCK_DIAG);
    if (!core->filter || !core->routes || !core->sockets || !core->resets) {
        return Error{kWhere, "cannot open a netlink socket: " + message_of(errno)};
    }
    core->loopback = static_cast<int>(if_nametoindex("lo"));
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        if (auto done = core->remove_left_routes(family); !done) return done.error();
    }
    return std::unique_ptr<NetlinkFlowKernel>(new NetlinkFlowKernel(std::move(core)));
}

NetlinkFlowKernel::NetlinkFlowKernel(std::shared_ptr<Core> core) : core_(std::move(core)) {}

NetlinkFlowKernel::~NetlinkFlowKernel() {
    for (const FlowFamily family : {FlowFamily::ip, FlowFamily::ip6, FlowFamily::arp}) {
        ask(core_->filter.get(), table_removal(core_->sequence, family));
        core_->sequence += 3;
    }
}

Result<void> NetlinkFlowKernel::forward(const Ip& address, const Ip& to, int index, Milliseconds time) {
    stop_forwarding(address);
    const int error =
        core_->change(true, table_of(address),
                      {{"moved", address}, {"via", address, octets_of(to)}, {"port", address, octets_of(index)}}, time);
    if (error == 0) return {};
    return Error{kWhere, "cannot lead connections of " + address.to_string() + " to " + to.to_string() + ": " +
                             message_of(error)};
}

void NetlinkFlowKernel::stop_forwarding(const Ip& address) {
    core_->remove(table_of(address), {{"moved", address}, {"via", address}, {"port", address}});
}

Result<void> NetlinkFlowKernel::keep(const Ip& address, const Ip& own, Milliseconds time) {
    int error = 0;
    if (address.family == Family::ipv4) {
        core_->remove(FlowFamily::arp, {{"kept", address}, {"instead", address}});
        error = core_->change(true, FlowFamily::arp, {{"kept", address}, {"instead", address, octets_of(own)}}, time);
    }
    if (error == 0) error = core_->route(true, address);
    if (error == 0 || error == EEXIST) return {};
    let_go(address);
    return Error{kWhere, "cannot keep the connections of " + address.to_string() + ": " + message_of(error)};
}

void NetlinkFlowKernel::let_go(const Ip& address) {
    core_->route(false, address);
    if (address.family == Family::ipv4) core_->remove(FlowFamily::arp, {{"kept", address}, {"instead", address}});
}

void NetlinkFlowKernel::list(std::function<void(Result<std::vector<Connection>>)> done) {
    core_->done = std::move(done);
    core_->begin_list(Family::ipv4);
}

void NetlinkFlowKernel::reset(const Connection& connection) {
    ask(core_->resets.get(), reset_request(connection, ++core_->sequence));
}

}  // namespace steelyard::vip
