// bench_pace ADDRESS:PORT CONNECTIONS SECONDS RATE: sends RATE GET requests a second over keep-alive connections, at even distances.
//
// A request whose time has come while every connection waits for an answer waits too, and its latency runs from its time, not from
// when it was sent: a server that stalls cannot hide that by holding the load back ("coordinated omission"). One thread, which
// sleeps between its requests, as the origin shares its core. Prints one line of JSON: requests, duration (us), p50, p99, p999 (us), bad_status,
// broken, late (requests still unanswered at the end).
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <vector>

#include "bench/tools/net.hpp"

namespace steelyard::bench {
namespace {

constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: pace.bench\r\n\r\n";

struct Connection {
    int socket = -1;
    std::int64_t due = 0;  // of the request under way
    std::string answer;
};

class Pace {
public:
    Pace(const sockaddr_in& to, std::size_t connections, std::int64_t seconds, std::int64_t rate)
        : seconds_{seconds}, rate_{rate}, epoll_{epoll_create1(EPOLL_CLOEXEC)}, connections_(connections) {
        for (auto& connection : connections_) {
            connection.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connection.socket < 0 ||
                connect(connection.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
                fail("cannot connect", errno);
            }
            set_no_delay(connection.socket);
            auto event = epoll_event{};
            event.events = EPOLLIN;
            event.data.ptr = &connection;
            (void)epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
            free_.push_back(&connection);
        }
        latencies_.reserve(static_cast<std::size_t>(seconds * rate));
    }

    void run() {
        begun_ = now_ns();
        const auto total = seconds_ * rate_;
        const auto grace = seconds_ * 1'000'000'000 + 2'000'000'000;
        auto events = std::array<epoll_event, 256>{};
        while (done_ + lost_ < total && now_ns() - begun_ < grace &&
               lost_ < static_cast<long long>(connections_.size())) {
            while (sent_ < total && !free_.empty() && due(sent_) <= now_ns()) {
                send_one();
            }
            const auto patience = wait();
            const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &patience, nullptr);
            for (int i = 0; i < count; ++i) {
                receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
            }
        }
        report(total);
    }

private:
    std::int64_t due(std::int64_t number) const { return begun_ + number * 1'000'000'000 / rate_; }

    // Until the next request is due; when none can be sent anyway, until an answer comes.
    timespec wait() const {
        const auto rest = free_.empty() || sent_ == seconds_ * rate_ ? std::int64_t{100'000'000}
                                                                     : std::max(std::int64_t{0}, due(sent_) - now_ns());
        return {rest / 1'000'000'000, rest % 1'000'000'000};
    }

    void send_one() {
        auto& connection = *free_.back();
        free_.pop_back();
        connection.due = due(sent_++);
        connection.answer.clear();
        if (send(connection.socket, request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size())) {
            lose(connection);
        }
    }

    void receive(Connection& connection) {
        const auto size = recv(connection.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size <= 0) {
            if (size == 0 || errno != EAGAIN) {
                lose(connection);
            }
            return;
        }
        connection.answer.append(buffer_.data(), static_cast<std::size_t>(size));
        const auto end = connection.answer.find("\r\n\r\n");
        if (end == std::string::npos) {
            return;
        }
        const auto length = content_length(std::string_view{connection.answer}.substr(0, end + 2));
        if (length < 0) {
            return lose(connection);
        }
        if (connection.answer.size() < end + 4 + static_cast<std::size_t>(length)) {
            return;
        }
        bad_ += connection.answer.compare(0, 12, "HTTP/1.1 200") == 0 ? 0 : 1;
        latencies_.push_back(static_cast<std::uint32_t>((now_ns() - connection.due) / 1000));
        ++done_;
        free_.push_back(&connection);
    }

    void lose(Connection& connection) {
        (void)close(connection.socket);
        ++lost_;
    }

    void report(std::int64_t total) {
        std::sort(latencies_.begin(), latencies_.end());
        const auto at = [this](std::size_t per_mille) {
            return latencies_.empty() ? 0U : latencies_[(latencies_.size() - 1) * per_mille / 1000];
        };
        std::printf(
            "{\"requests\": %zu, \"duration\": %lld, \"p50\": %u, \"p99\": %u, \"p999\": %u, \"bad_status\": %lld, "
            "\"broken\": %lld, \"late\": %lld}\n",
            latencies_.size(), static_cast<long long>((now_ns() - begun_) / 1000), at(500), at(990), at(999), bad_,
            lost_, static_cast<long long>(total) - done_ - lost_);
    }

    std::int64_t seconds_;
    std::int64_t rate_;
    int epoll_;
    std::vector<Connection> connections_;
    std::vector<Connection*> free_;
    std::vector<std::uint32_t> latencies_;
    std::array<char, 64 * 1024> buffer_{};
    std::int64_t begun_ = 0;
    std::int64_t sent_ = 0;
    long long done_ = 0;
    long long lost_ = 0;
    long long bad_ = 0;
};

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    (void)prctl(PR_SET_TIMERSLACK, 1UL);  // nanosecond: a request is sent when it is due
    if (argc != 5) {
        fail("usage: bench_pace ADDRESS:PORT CONNECTIONS SECONDS RATE");
    }
    Pace{parse_address(argv[1]), parse_number(argv[2], 10'000), static_cast<std::int64_t>(parse_number(argv[3], 3600)),
         static_cast<std::int64_t>(parse_number(argv[4], 1'000'000))}
        .run();
}
