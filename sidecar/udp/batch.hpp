#pragma once
// Datagrams as they are received and sent on, up to 32 in one system call. One a worker: what it holds is gone with the next
// receive(). Room for the longest datagram there is, of which only what is used takes memory. No allocation after the constructor.
// Source: recvmmsg(2), sendmmsg(2), ip(7) IP_PKTINFO, RFC 3542 section 6.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sidecar/reactor/address.hpp"

namespace steelyard {

// The local address that a datagram was sent to, and that its answer has to come from. Of no family: the socket's own.
struct LocalAddress {
    sa_family_t family = AF_UNSPEC;
    uint32_t interface = 0;              // of a link-local address
    std::array<unsigned char, 16> ip{};  // IPv4: the first four

    friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

class DatagramBatch {
public:
    static constexpr size_t kSize = 32;
    static constexpr size_t kMaxBytes = 65'536;  // one more than the length field can say

    // The numbers of some datagrams of the batch, in the order they came.
    using Numbers = std::span<const uint8_t>;

    DatagramBatch();
    DatagramBatch(const DatagramBatch&) = delete;
    DatagramBatch& operator=(const DatagramBatch&) = delete;

    // Takes what waits at the socket; 0 when that is nothing, -1 and errno when there is an error to be told.
    int receive(int fd);

    size_t size() const { return size_; }
    std::string_view bytes(size_t i) const { return {parts_[i].base, parts_[i].size}; }
    bool truncated(size_t i) const { return (in_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0; }
    SocketAddress peer(size_t i) const { return SocketAddress::from(peers_[i]); }
    LocalAddress local(size_t i) const;

    struct Sent {
        size_t count = 0;  // of the numbers, from the first
        uint64_t bytes = 0;
        int error = 0;  // why the next one was not sent; 0 when all were
    };
    // Over a connected socket.
    Sent send(int fd, Numbers which) { return send(fd, which, nullptr, {}); }
    // To `peer`, from `local` where it has a family.
    Sent send_to(int fd, Numbers which, const SocketAddress& peer, const LocalAddress& local) {
        return send(fd, which, &peer, local);
    }

private:
    struct Part {
        char* base = nullptr;
        size_t size = 0;
    };
    static constexpr size_t kControl = 64;
    static_assert(kControl >= CMSG_SPACE(sizeof(in6_pktinfo)) && kControl >= CMSG_SPACE(sizeof(in_pktinfo)));

    Sent send(int fd, Numbers which, const SocketAddress* peer, const LocalAddress& local);
    size_t write_control(const LocalAddress& local);

    std::unique_ptr<char[]> room_;
    size_t size_ = 0;
    std::array<Part, kSize> parts_;
    std::array<sockaddr_storage, kSize> peers_;
    std::array<iovec, kSize> in_parts_;
    std::array<iovec, kSize> out_parts_;
    std::array<mmsghdr, kSize> in_;
    std::array<mmsghdr, kSize> out_;
    alignas(cmsghdr) std::array<std::array<char, kControl>, kSize> in_control_;
    alignas(cmsghdr) std::array<char, kControl> out_control_;
};

}  // namespace steelyard
