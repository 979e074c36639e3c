#include "sidecar/capture/return_path.hpp"

#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "sidecar/reactor/fd.hpp"

namespace steelyard::capture {
namespace {

constexpr uint8_t kOurProtocol = 0x56;  // of rules and routes: who made them

std::string hex(uint32_t value) {
    std::array<char, 11> text{};
    std::snprintf(text.data(), text.size(), "0x%08x", value);
    return text.data();
}

// One request, with room for all that is asked here.
template <class Payload>
class Request {
public:
    Request(uint16_t type, uint16_t flags) {
        message_.header.nlmsg_len = NLMSG_LENGTH(sizeof(Payload));
        message_.header.nlmsg_type = type;
        message_.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    }
    Payload& payload() { return message_.payload; }
    void add(uint16_t type, const void* data, size_t size) {
        rtattr attribute{};
        attribute.rta_type = type;
        attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
        char* const at = reinterpret_cast<char*>(&message_) + NLMSG_ALIGN(message_.header.nlmsg_len);
        std::memcpy(at, &attribute, sizeof(attribute));
        std::memcpy(at + RTA_LENGTH(0), data, size);
        message_.header.nlmsg_len =
            static_cast<uint32_t>(NLMSG_ALIGN(message_.header.nlmsg_len) + RTA_ALIGN(attribute.rta_len));
    }
    void add(uint16_t type, uint32_t value) { add(type, &value, sizeof(value)); }
    const void* data() const { return &message_; }
    size_t size() const { return message_.header.nlmsg_len; }

private:
    struct {
        nlmsghdr header{};
        Payload payload{};
        std::array<char, 128> attributes{};
    } message_;
};

class Netlink {
public:
    Netlink() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}

    // 0, or why not.
    template <class Payload>
    int ask(const Request<Payload>& request) const {
        if (!socket_) return errno;
        if (::send(socket_.get(), request.data(), request.size(), 0) < 0) return errno;
        alignas(nlmsghdr) std::array<char, 4096> answer{};
        ssize_t n;
        do {
            n = ::recv(socket_.get(), answer.data(), answer.size(), 0);
        } while (n < 0 && errno == EINTR);
        if (n < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return n < 0 ? errno : EPROTO;
        nlmsghdr header{};
        nlmsgerr error{};
        std::memcpy(&header, answer.data(), sizeof(header));
        std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof(error));
        return header.nlmsg_type == NLMSG_ERROR ? -error.error : EPROTO;
    }

private:
    UniqueFd socket_;
};

int change_rule(const Netlink& netlink, uint8_t family, const ReturnPath& path, bool add) {
    Request<fib_rule_hdr> request(add ? RTM_NEWRULE : RTM_DELRULE,
                                  add ? static_cast<uint16_t>(NLM_F_CREATE | NLM_F_EXCL) : uint16_t{0});
    request.payload().family = family;
    request.payload().action = FR_ACT_TO_TBL;
    request.payload().table = RT_TABLE_UNSPEC;
    request.add(FRA_PRIORITY, kReturnRulePriority);
    request.add(FRA_FWMARK, path.mark);
    request.add(FRA_FWMASK, path.mark);
    request.add(FRA_TABLE, path.table);
    request.add(FRA_PROTOCOL, &kOurProtocol, sizeof(kOurProtocol));
    return netlink.ask(request);
}

int change_route(const Netlink& netlink, uint8_t family, const ReturnPath& path, bool add) {
    Request<rtmsg> request(add ? RTM_NEWROUTE : RTM_DELROUTE,
                           add ? static_cast<uint16_t>(NLM_F_CREATE | NLM_F_REPLACE) : uint16_t{0});
    rtmsg& route = request.payload();
    route.rtm_family = family;
    route.rtm_table = RT_TABLE_UNSPEC;
    route.rtm_protocol = kOurProtocol;
    route.rtm_scope = family == AF_INET ? static_cast<uint8_t>(RT_SCOPE_HOST) : static_cast<uint8_t>(RT_SCOPE_UNIVERSE);
    route.rtm_type = RTN_LOCAL;
    request.add(RTA_TABLE, path.table);
    request.add(RTA_OIF, if_nametoindex("lo"));
    return netlink.ask(request);
}

Error failed(const char* what, uint8_t family, int error) {
    return {what, std::string(family == AF_INET ? "IPv4: " : "IPv6: ") + std::generic_category().message(error) +
                      (error == EPERM ? " (the capability NET_ADMIN is needed)" : "")};
}

bool has_no_ipv6(uint8_t family, int error) {
    return family == AF_INET6 && (error == EAFNOSUPPORT || error == EOPNOTSUPP || error == ENODEV || error == EACCES);
}

}  // namespace

std::string return_ruleset(const ReturnPath& path) {
    return return_removal() +
           "table inet steelyard_return {\n\tchain prerouting {\n"
           "\t\ttype filter hook prerouting priority -150; policy accept;\n"
           "\t\tmeta l4proto != { tcp, udp } return\n"
           "\t\tfib daddr type local return\n"
           "\t\tsocket transparent 1 meta mark set meta mark | " +
           hex(path.mark) + " counter\n\t}\n}\n";
}

std::string return_removal() { return "table inet steelyard_return\ndelete table inet steelyard_return\n"; }

Result<void> install_return_routes(const ReturnPath& path) {
    const Netlink netlink;
    for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
        // The route first: a rule that led nowhere would pass to the next, which is what there was before.
        if (const int error = change_route(netlink, family, path, true); error != 0) {
            if (has_no_ipv6(family, error)) continue;
            return failed("the route of the way back", family, error);
        }
        if (const int error = change_rule(netlink, family, path, true); error != 0 && error != EEXIST) {
            return failed("the rule of the way back", family, error);
        }
    }
    return {};
}

Result<void> remove_return_routes(const ReturnPath& path) {
    const Netlink netlink;
    const auto is_gone = [](int error) { return error == 0 || error == ENOENT || error == ESRCH; };
    for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
        if (const int error = change_rule(netlink, family, path, false); !is_gone(error)) {
            if (has_no_ipv6(family, error)) continue;
            return failed("the rule of the way back", family, error);
        }
        if (const int error = change_route(netlink, family, path, false); !is_gone(error)) {
            return failed("the route of the way back", family, error);
        }
    }
    return {};
}

}  // namespace steelyard::capture
