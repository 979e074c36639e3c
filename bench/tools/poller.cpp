// bench_poller ADDRESS:PORT: sends GET / back to back over one keep-alive connection and says whenever the answer changes.
//
// One blocking socket, one request in flight. An answer's name is its body up to the first white space when the status is 200,
// else "status-NNN"; a lost connection is "lost" and is opened again after 1 ms. Each change of the name is one line:
//     NAME SENT RECEIVED REQUESTS FAILURES
// SENT and RECEIVED are CLOCK_MONOTONIC nanoseconds of the first request that was answered so; REQUESTS and FAILURES (anything but
// a 200) count from the start. Ends when stdin is closed or a byte arrives there, with a last line "end ..." of the same shape.
#include "bench/tools/net.hpp"

#include <poll.h>

#include <array>

namespace steelyard::bench {
namespace {

constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: target.bench\r\n\r\n";
constexpr int answer_timeout_seconds = 2;

int connect_to(const sockaddr_in& address) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto timeout = timeval{answer_timeout_seconds, 0};
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (socket >= 0 && connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        (void)close(socket);
        return -1;
    }
    set_no_delay(socket);
    return socket;
}

bool says_close(std::string_view head) { return head.find("onnection: close") != std::string_view::npos; }

class Poller {
public:
    explicit Poller(const sockaddr_in& address) : address_{address} {}

    void run() {
        while (!told_to_stop()) {
            const auto sent = now_ns();
            auto name = exchange();
            const auto received = now_ns();
            ++requests_;
            failures_ += failed_ ? 1 : 0;
            if (name != last_) {
                std::printf("%s %lld %lld %lld %lld\n", name.c_str(), static_cast<long long>(sent),
                            static_cast<long long>(received), requests_, failures_);
                (void)std::fflush(stdout);
                last_ = std::move(name);
            }
        }
        std::printf("end 0 0 %lld %lld\n", requests_, failures_);
    }

private:
    // Looked at every 64 requests: a system call more on each would slow the polling down.
    bool told_to_stop() {
        if ((requests_ & 63) != 0) {
            return false;
        }
        auto input = pollfd{STDIN_FILENO, POLLIN, 0};
        return poll(&input, 1, 0) > 0;
    }

    std::string exchange() {
        failed_ = true;
        if (socket_ < 0 && (socket_ = connect_to(address_)) < 0) {
            return lost();
        }
        if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
            return lost();
        }
        auto size = std::size_t{0};
        for (;;) {
            const auto got =
                size == buffer_.size() ? -1 : recv(socket_, buffer_.data() + size, buffer_.size() - size, 0);
            if (got <= 0) {
                return lost();
            }
            size += static_cast<std::size_t>(got);
            const auto answer = std::string_view{buffer_.data(), size};
            const auto end = answer.find("\r\n\r\n");
            if (end == std::string_view::npos) {
                continue;
            }
            const auto length = content_length(answer.substr(0, end + 2));
            if (length < 0) {
                return lost();  // without a length this poller cannot tell where the next answer begins
            }
            if (size >= end + 4 + static_cast<std::size_t>(length)) {
                return name_of(answer.substr(0, end + 2), answer.substr(end + 4, static_cast<std::size_t>(length)));
            }
        }
    }

    std::string name_of(std::string_view head, std::string_view body) {
        if (says_close(head)) {
            (void)close(socket_);
            socket_ = -1;
        }
        const auto status = head.substr(head.find(' ') + 1, 3);
        if (status != "200") {
            return "status-" + std::string{status};
        }
        failed_ = false;
        return std::string{body.substr(0, body.find_first_of(" \r\n"))};
    }

    std::string lost() {
        if (socket_ >= 0) {
            (void)close(socket_);
            socket_ = -1;
        }
        (void)usleep(1000);
        return "lost";
    }

    sockaddr_in address_;
    int socket_ = -1;
    std::array<char, 16 * 1024> buffer_{};
    std::string last_;
    bool failed_ = false;
    long long requests_ = 0;
    long long failures_ = 0;
};

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    if (argc != 2) {
        fail("usage: bench_poller ADDRESS:PORT");
    }
    Poller{parse_address(argv[1])}.run();
}
