#pragma once
// Blocking sockets with deadlines for tests: what a client or a backend does is written down in the order it happens. Every wait ends
// after kPatience at the latest, so that a fault is a failed expectation and never a test that hangs.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sidecar/reactor/fd.hpp"

namespace steelyard::test {

constexpr std::chrono::milliseconds kPatience{10'000};

// Polls until `condition` holds; false when it does not within `patience`.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience = kPatience);

// An HTTP message as read from a socket.
struct Message {
    std::string start;                               // the first line, without CRLF
    std::multimap<std::string, std::string> fields;  // names in lower case
    std::string head;                                // as it came, with its empty line
    std::string body;                                // chunks taken apart
    bool complete = false;

    explicit operator bool() const { return complete; }
    int status() const;
    // The only field of this name; "" when there is none or more than one.
    std::string field(const std::string& name) const;
};

class Socket {
public:
    enum class End : uint8_t { open, fin, reset, timeout };

    Socket() = default;
    explicit Socket(UniqueFd fd) : fd_(std::move(fd)) {}
    static Socket connect(uint16_t port, int receive_buffer = 0);

    bool send(std::string_view bytes);
    // All bytes up to and with `end`; "" when they do not come.
    std::string read_until(std::string_view end);
    // Exactly n bytes, or as many as came before the end.
    std::string read(size_t n);
    std::string read_to_end();
    // What has come so far, at least one byte unless the peer is done.
    std::string read_some();
    Message read_request();
    // method: of the request, as HEAD's answer has no body.
    Message read_response(std::string_view method = "GET");
    Message request(std::string_view text, std::string_view method = "GET");

    // Whether the peer is done, and how; waits for it.
    End wait_end();
    End end() const { return end_; }
    void shutdown_write();
    void reset();  // closes with a RST
    void close() { fd_.reset(); }
    int fd() const { return fd_.get(); }

private:
    bool fill();
    Message read_message(bool request, std::string_view method);
    bool read_chunked(std::string& body);

    UniqueFd fd_;
    std::string pending_;
    End end_ = End::open;
};

}  // namespace steelyard::test
