#pragma once
// The admin listener of both programs: a few fixed paths over HTTP/1.1 (Beast parses), for probes, Prometheus and people. Runs
// on the io_context it is given; handlers run on its thread. Bounded: connections, head, body (none is read), and time.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/result.hpp"

namespace boost::asio {
class io_context;
}

namespace steelyard::admin {

struct Response {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};
using Handler = std::function<Response()>;

// "ADDR:PORT" or "[V6]:PORT" as flags have it; port 0 = any free one. The error's `where` is left empty.
Result<std::pair<std::string, uint16_t>> parse_listen(std::string_view text);

class Server {
public:
    explicit Server(boost::asio::io_context& io);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Before start(). method: "GET" (which serves HEAD too) or "POST".
    void handle(std::string method, std::string path, Handler handler);
    // Binds, listens, logs "admin listening on ADDR:PORT". The error names the address.
    Result<void> start(const std::string& ip, uint16_t port);
    uint16_t port() const;
    void stop();

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace steelyard::admin
