#include "sidecar/udp/batch.hpp"

#include <cerrno>
#include <cstring>

namespace steelyard {

DatagramBatch::DatagramBatch() : room_(std::make_unique_for_overwrite<char[]>(kSize * kMaxBytes)) {
    for (size_t i = 0; i < kSize; ++i) {
        parts_[i] = {room_.get() + i * kMaxBytes, 0};
        in_parts_[i] = {parts_[i].base, kMaxBytes};
        in_[i] = {};
        in_[i].msg_hdr.msg_name = &peers_[i];
        in_[i].msg_hdr.msg_iov = &in_parts_[i];
        in_[i].msg_hdr.msg_iovlen = 1;
        in_[i].msg_hdr.msg_control = in_control_[i].data();
        out_[i] = {};
        out_[i].msg_hdr.msg_iov = &out_parts_[i];
        out_[i].msg_hdr.msg_iovlen = 1;
    }
    out_control_.fill(0);
}

int DatagramBatch::receive(int fd) {
    // The kernel wrote over what of these it used.
    for (size_t i = 0; i < kSize; ++i) {
        in_[i].msg_hdr.msg_namelen = sizeof(peers_[i]);
        in_[i].msg_hdr.msg_controllen = kControl;
        in_[i].msg_hdr.msg_flags = 0;
    }
    size_ = 0;
    int count;
    do {
        count = recvmmsg(fd, in_.data(), kSize, MSG_DONTWAIT, nullptr);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN ? 0 : -1;
    size_ = static_cast<size_t>(count);
    for (size_t i = 0; i < size_; ++i) parts_[i].size = in_[i].msg_len;
    return count;
}

LocalAddress DatagramBatch::local(size_t i) const {
    LocalAddress local;
    auto* header = const_cast<msghdr*>(&in_[i].msg_hdr);  // CMSG_NXTHDR takes no const, and changes nothing
    for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(control), sizeof(info));
            local.family = AF_INET;
            std::memcpy(local.ip.data(), &info.ipi_spec_dst, sizeof(info.ipi_spec_dst));
        } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(control), sizeof(info));
            local.family = AF_INET6;
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) local.interface = info.ipi6_ifindex;
            std::memcpy(local.ip.data(), &info.ipi6_addr, sizeof(info.ipi6_addr));
        }
    }
    return local;
}

size_t DatagramBatch::write_control(const LocalAddress& local) {
    if (local.family == AF_UNSPEC) return 0;
    auto* control = reinterpret_cast<cmsghdr*>(out_control_.data());
    if (local.family == AF_INET) {
        control->cmsg_level = IPPROTO_IP;
        control->cmsg_type = IP_PKTINFO;
        control->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, local.ip.data(), sizeof(info.ipi_spec_dst));
        std::memcpy(CMSG_DATA(control), &info, sizeof(info));
        return CMSG_SPACE(sizeof(info));
    }
    control->cmsg_level = IPPROTO_IPV6;
    control->cmsg_type = IPV6_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
    in6_pktinfo info{};
    info.ipi6_ifindex = local.interface;
    std::memcpy(&info.ipi6_addr, local.ip.data(), sizeof(info.ipi6_addr));
    std::memcpy(CMSG_DATA(control), &info, sizeof(info));
    return CMSG_SPACE(sizeof(info));
}

DatagramBatch::Sent DatagramBatch::send(int fd, Numbers which, const SocketAddress* peer, const LocalAddress& local) {
    const size_t control = write_control(local);
    for (size_t i = 0; i < which.size(); ++i) {
        out_parts_[i] = {parts_[which[i]].base, parts_[which[i]].size};
        msghdr& header = out_[i].msg_hdr;
        header.msg_name = peer != nullptr ? const_cast<sockaddr*>(peer->data()) : nullptr;
        header.msg_namelen = peer != nullptr ? peer->size() : 0;
        header.msg_control = control != 0 ? out_control_.data() : nullptr;
        header.msg_controllen = control;
    }
    Sent sent;
    while (sent.count < which.size()) {
        // After a part was sent the next call tells why it stopped.
        const int count = sendmmsg(fd, &out_[sent.count], static_cast<unsigned>(which.size() - sent.count),
                                   MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            sent.error = errno;
            break;
        }
        for (int i = 0; i < count; ++i) sent.bytes += out_parts_[sent.count++].iov_len;
    }
    return sent;
}

}  // namespace steelyard
