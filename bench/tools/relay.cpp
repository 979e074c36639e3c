// bench_relay LISTEN:PORT UPSTREAM:PORT: copies bytes between each client and an upstream connection of its own.
//
// The floor for a proxy with four data system calls a request: one thread, level-triggered epoll, no parsing, no pool, no timers.
// Each pair has one 16 KiB buffer a direction; a full buffer stops reading, so a slow reader holds its writer back.
// Prints "relay ADDRESS:PORT" when it listens and serves until it is killed.
#include "bench/tools/net.hpp"

#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

namespace steelyard::bench {
namespace {

constexpr std::size_t buffer_size = 16 * 1024;

struct Pair;

// One end of a relayed connection and what was read from it but not yet written to the other end.
struct Side {
    int socket = -1;
    Pair* pair = nullptr;
    Side* other = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool connecting = false;
    bool added = false;  // known to epoll
    std::uint32_t watched = 0;
    std::array<char, buffer_size> buffer;
};

struct Pair {
    Side client;
    Side upstream;
    bool dead = false;
};

class Relay {
public:
    Relay(int listener, const sockaddr_in& upstream)
        : listener_{listener}, upstream_{upstream}, epoll_{epoll_create1(EPOLL_CLOEXEC)} {
        auto event = epoll_event{};
        event.events = EPOLLIN;
        event.data.ptr = nullptr;  // stands for the listener
        (void)epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    }

    [[noreturn]] void run() {
        auto events = std::array<epoll_event, 512>{};
        for (;;) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                const auto& event = events[static_cast<std::size_t>(i)];
                auto* side = static_cast<Side*>(event.data.ptr);
                if (side == nullptr) {
                    accept_all();
                } else if (!side->pair->dead && !handle(*side, event.events)) {
                    bury(*side->pair);
                }
            }
            // Only now, because a later event of the same batch may still point into a pair that has just died.
            for (auto* pair : graveyard_) {
                pairs_.erase(pair);
            }
            graveyard_.clear();
        }
    }

private:
    void watch(Side& side, std::uint32_t what) {
        if (side.added && side.watched == what) {
            return;
        }
        auto event = epoll_event{};
        event.events = what;
        event.data.ptr = &side;
        (void)epoll_ctl(epoll_, side.added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, side.socket, &event);
        side.added = true;
        side.watched = what;
    }

    void accept_all() {
        for (;;) {
            const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (client < 0) {
                return;
            }
            const int upstream = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (upstream < 0 ||
                (connect(upstream, reinterpret_cast<const sockaddr*>(&upstream_), sizeof upstream_) != 0 &&
                 errno != EINPROGRESS)) {
                (void)close(client);
                (void)close(upstream);
                continue;
            }
            adopt(client, upstream);
        }
    }

    void adopt(int client, int upstream) {
        set_no_delay(client);
        set_no_delay(upstream);
        auto pair = std::make_unique<Pair>();
        pair->client.socket = client;
        pair->client.other = &pair->upstream;
        pair->upstream.socket = upstream;
        pair->upstream.other = &pair->client;
        pair->upstream.connecting = true;
        pair->client.pair = pair->upstream.pair = pair.get();
        watch(pair->upstream, EPOLLOUT);
        auto* key = pair.get();
        pairs_.emplace(key, std::move(pair));
    }

    // False when the pair is over.
    bool handle(Side& side, std::uint32_t events) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            return false;
        }
        if (side.connecting) {
            side.connecting = false;
            watch(side, EPOLLIN);
            watch(*side.other, EPOLLIN);
            return true;
        }
        if ((events & EPOLLOUT) != 0 && !forward(*side.other)) {
            return false;
        }
        return (events & EPOLLIN) == 0 || read(side);
    }

    bool read(Side& side) {
        if (side.end != 0) {
            return true;  // an event from before `forward` stopped the reading
        }
        const auto size = recv(side.socket, side.buffer.data(), side.buffer.size(), 0);
        if (size <= 0) {
            return size < 0 && errno == EAGAIN;
        }
        side.end = static_cast<std::size_t>(size);
        return forward(side);
    }

    // Writes what `from` holds to its other end; what does not fit waits for EPOLLOUT there and stops the reading here.
    bool forward(Side& from) {
        const auto size =
            send(from.other->socket, from.buffer.data() + from.begin, from.end - from.begin, MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN) {
            return false;
        }
        from.begin += size < 0 ? 0 : static_cast<std::size_t>(size);
        if (from.begin == from.end) {
            from.begin = from.end = 0;
        }
        arm(from);
        arm(*from.other);
        return true;
    }

    // Reads while there is room of its own, writes while the other end has bytes for it.
    void arm(Side& side) { watch(side, (side.end == 0 ? EPOLLIN : 0U) | (side.other->end != 0 ? EPOLLOUT : 0U)); }

    void bury(Pair& pair) {
        pair.dead = true;
        (void)close(pair.client.socket);
        (void)close(pair.upstream.socket);
        graveyard_.push_back(&pair);
    }

    int listener_;
    sockaddr_in upstream_;
    int epoll_;
    std::unordered_map<Pair*, std::unique_ptr<Pair>> pairs_;
    std::vector<Pair*> graveyard_;
};

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    if (argc != 3) {
        fail("usage: bench_relay LISTEN:PORT UPSTREAM:PORT");
    }
    const auto where = std::string_view{argv[1]};
    const int listener = listen_on(parse_address(where));
    const auto upstream = parse_address(argv[2]);
    std::printf("relay %s:%d\n", std::string{where.substr(0, where.rfind(':'))}.c_str(), port_of(listener));
    (void)std::fflush(stdout);
    Relay{listener, upstream}.run();
}
