#pragma once
// A backend that does what a script says, each connection on a thread of its own.
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/unit/sidecar/exchange/socket.hpp"

namespace steelyard::test {

class Backend;

// A connection as the script sees it; closed when the script returns.
struct Peer : Socket {
    Peer(UniqueFd fd, Backend& owner, int which) : Socket(std::move(fd)), backend(owner), number(which) {}
    // Reads a request and counts it. Not complete when the connection ended instead.
    Message next();
    // As a socket's; but the backend may be ending it at the same time, from another thread.
    void reset();
    void close();

    Backend& backend;
    const int number;  // of the connection: 0, 1, ...
};

class Backend {
public:
    using Script = std::function<void(Peer&)>;
    using Handler = std::function<std::string(const Message&)>;

    explicit Backend(Script script, int backlog = 128);
    ~Backend();  // ends all connections
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    uint16_t port() const { return port_; }
    int connections() const { return connections_; }
    int open() const { return open_; }
    int requests() const { return requests_; }
    // Accepts nothing any more; what is open goes on.
    void close_listener();

private:
    friend struct Peer;
    struct Connection {
        std::unique_ptr<Peer> peer;
        std::thread thread;
    };
    void accept_all();

    Script script_;
    uint16_t port_ = 0;
    UniqueFd listener_;
    std::atomic<int> connections_{0};
    std::atomic<int> open_{0};
    std::atomic<int> requests_{0};
    std::mutex mutex_;  // guards served_ and the closing of its sockets
    std::list<Connection> served_;
    std::thread acceptor_;
};

// A host whose accept queue is full: a connect to it hangs.
class FullHost {
public:
    FullHost();
    uint16_t port() const { return port_; }

private:
    uint16_t port_ = 0;
    UniqueFd listener_;
    std::vector<UniqueFd> fillers_;
};

// Answers every request of a connection with what `handler` returns, until the client closes.
Backend::Script serve(Backend::Handler handler);
// "HTTP/1.1 200 OK" with this body and Content-Length. `fields` are whole lines.
std::string ok(std::string_view body, std::string_view fields = {});
std::string chunk(std::string_view data);  // one chunk; of "" the last one and the end
// A port of 127.0.0.1 where nobody listens.
uint16_t refused_port();
// `size` bytes that show any loss, repetition or change of order.
std::string pattern(size_t size);

}  // namespace steelyard::test
