#include "sidecar/reactor/descriptors.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <vector>

namespace steelyard {
namespace {

#ifndef __SANITIZE_THREAD__
constexpr unsigned kUnshare = 1U << 1U;  // CLOSE_RANGE_UNSHARE of linux/close_range.h
constexpr unsigned kLast = std::numeric_limits<unsigned>::max();

// glibc's close_range() is as new as 2.34.
bool close_range_of(unsigned first, unsigned last, unsigned flags) {
#ifdef SYS_close_range
    return syscall(SYS_close_range, first, last, flags) == 0;
#else
    errno = ENOSYS;
    return false;
#endif
}
#endif

}  // namespace

bool own_descriptor_table([[maybe_unused]] std::span<const int> keep) {
#ifdef __SANITIZE_THREAD__
    return false;
#else
    // Nothing is closed here: it only leaves the table that the others go on using.
    if (!close_range_of(kLast, kLast, kUnshare)) return false;
    std::vector<int> kept(keep.begin(), keep.end());
    std::sort(kept.begin(), kept.end());
    unsigned from = STDERR_FILENO + 1;
    for (const int fd : kept) {
        const auto at = static_cast<unsigned>(fd);
        if (fd < 0 || at < from) continue;
        if (at > from) close_range_of(from, at - 1, 0);
        from = at + 1;
    }
    close_range_of(from, kLast, 0);
    return true;
#endif
}

DescriptorMailbox::DescriptorMailbox() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::system_error(errno, std::generic_category(), "a worker's mailbox");
    }
    sending_.reset(ends[0]);
    receiving_.reset(ends[1]);
}

bool DescriptorMailbox::send(UniqueFd descriptor) {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = descriptor.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    ssize_t sent = 0;
    do {
        sent = sendmsg(sending_.get(), &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == 1;
}

UniqueFd DescriptorMailbox::receive() {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t got = 0;
    do {
        got = recvmsg(receiving_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    const cmsghdr* const header = got == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len < CMSG_LEN(sizeof(int))) {
        return {};
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return UniqueFd(fd);
}

}  // namespace steelyard
