#include "sidecar/access_log/sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace steelyard::access_log {
namespace {

constexpr size_t kAtOnce = 4096;  // PIPE_BUF: a pipe that poll() calls writable takes so much without waiting
static_assert(kMaxLine <= kAtOnce);

Error failure(const std::string& path, const std::string& what) {
    return {path, what + ": " + std::generic_category().message(errno)};
}

// The whole lines among the first kAtOnce bytes; there is one, as no line is longer.
Ring::Filled whole_lines(const Ring::Filled& lines) {
    if (lines.size() <= kAtOnce) return lines;
    const auto first = lines.first.substr(0, kAtOnce);
    const auto second = lines.second.substr(0, kAtOnce - first.size());
    if (const size_t end = second.rfind('\n'); end != std::string_view::npos) return {first, second.substr(0, end + 1)};
    return {first.substr(0, first.rfind('\n') + 1), {}};
}

}  // namespace

Result<Sink> Sink::open(const Options& options) {
    const bool is_file = options.target == Target::file;
    const std::string name = is_file                                     ? options.path
                             : options.target == Target::standard_output ? "standard output"
                                                                         : "standard error";
    UniqueFd fd;
    if (is_file) {
        struct stat before {};
        const bool fifo = ::stat(name.c_str(), &before) == 0 && S_ISFIFO(before.st_mode);
        // For reading too: else a FIFO could be opened only while somebody reads it.
        const int flags = (fifo ? O_RDWR : O_WRONLY | O_CREAT) | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        fd = UniqueFd(::open(name.c_str(), flags, 0640));
        if (!fd) return failure(name, "cannot be opened for writing");
    } else {
        fd = UniqueFd(
            fcntl(options.target == Target::standard_output ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
        if (!fd) return failure(name, "is not open");
    }
    struct stat now {};
    if (fstat(fd.get(), &now) != 0) return failure(name, "cannot be looked at");
    const Kind kind = S_ISREG(now.st_mode) ? Kind::file : S_ISSOCK(now.st_mode) ? Kind::socket : Kind::pipe;
    return Sink(name, std::move(fd), kind);
}

bool Sink::has_room() const {
    pollfd ready{fd_.get(), POLLOUT, 0};
    return poll(&ready, 1, 0) == 1;
}

Sink::Written Sink::write(const Ring::Filled& lines) const {
    const auto now = kind_ == Kind::pipe ? whole_lines(lines) : lines;
    std::array<iovec, 2> parts{{{const_cast<char*>(now.first.data()), now.first.size()},
                                {const_cast<char*>(now.second.data()), now.second.size()}}};
    const size_t count = now.second.empty() ? 1 : 2;
    if (kind_ == Kind::pipe && !has_room()) return {Status::would_block};
    ssize_t n = 0;
    do {
        if (kind_ == Kind::socket) {
            msghdr message{};
            message.msg_iov = parts.data();
            message.msg_iovlen = count;
            n = sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            n = writev(fd_.get(), parts.data(), static_cast<int>(count));
        }
    } while (n < 0 && errno == EINTR);
    if (n >= 0) return {Status::ok, static_cast<size_t>(n)};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {Status::would_block};
    return {Status::failed, 0, errno};
}

}  // namespace steelyard::access_log
