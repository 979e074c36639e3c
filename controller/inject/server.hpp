#pragma once
// The webhook's HTTPS listener (TLS as its source says, HTTP/1.1 by Beast), on an io_context that one thread runs. Bounded: connections,
// head, body, what all bodies being read hold together, and the time of each step. When all connections are taken, the one that has
// been idle longest makes room, those that never asked for anything first; when none is idle,
// newcomers wait in the kernel's queue.
//   POST /inject    an AdmissionReview, answered by the handler
//   GET  /healthz   200
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace boost::asio {
class io_context;
namespace ssl {
class context;
}
}  // namespace boost::asio

namespace steelyard::inject {

struct ServerLimits {
    size_t connections = 128;
    uint32_t head_bytes = 16 * 1024;
    uint64_t body_bytes = uint64_t{3} << 20;       // an object of Kubernetes has 1.5 MiB at most
    uint64_t all_body_bytes = uint64_t{48} << 20;  // of all requests that are being read
    Milliseconds handshake{5'000};
    Milliseconds head{5'000};  // from a request's first byte to the end of its head
    Milliseconds body{10'000};
    Milliseconds write{10'000};
    Milliseconds idle{120'000};  // the API server gives up an idle connection after 90 s: it is to be the first
};

struct ServerStats {
    size_t connections = 0;
    uint64_t accepted = 0, requests = 0;
    std::map<std::string, uint64_t> refused;  // "handshake", "timeout", "too_large", "busy", "bad_request", "not_found"
};

class Server {
public:
    struct Answer {
        unsigned status = 200;
        std::string body;
    };
    using Handler = std::function<Answer(std::string_view body)>;
    // The TLS context for the next connection; nullptr = there is no certificate yet, the connection is closed.
    using Tls = std::function<std::shared_ptr<boost::asio::ssl::context>()>;

    Server(boost::asio::io_context& io, Tls tls, Handler handler, ServerLimits limits = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Binds and listens; port 0 = any free one. The error names the address.
    Result<void> start(const std::string& ip, uint16_t port);
    uint16_t port() const;
    // Accepts no more; idle connections are closed, answers that are being written are the last of theirs. On the io_context's thread.
    void stop();
    bool idle() const;          // on the io_context's thread: no connection is left
    ServerStats stats() const;  // any thread

    struct Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace steelyard::inject
