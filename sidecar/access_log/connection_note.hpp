#pragma once
// What the line at the end of a TCP or upgraded connection or a UDP session will say: gathered while it goes on, written once. One thread.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "sidecar/access_log/worker_log.hpp"
#include "sidecar/reactor/address.hpp"

namespace steelyard::access_log {

class ConnectionNote {
public:
    // The request that an upgraded connection began as.
    struct Request {
        RequestNote* note;  // this one gives it back
        uint16_t status;
        TimePoint answered;
        uint64_t bytes_in;  // so far
        uint64_t bytes_out;
    };

    // `log` outlives this.
    ConnectionNote(WorkerLog& log, const SocketAddress& peer, std::shared_ptr<const std::string> listener,
                   TimePoint began);
    ~ConnectionNote();
    ConnectionNote(const ConnectionNote&) = delete;
    ConnectionNote& operator=(const ConnectionNote&) = delete;

    void set_request(const Request& request) { request_ = request; }
    void add_bytes(uint64_t in, uint64_t out) {
        request_.bytes_in += in;
        request_.bytes_out += out;
    }
    void add_try() { ++tries_; }
    void set_tries(uint8_t tries) { tries_ = tries; }
    // Of one that began as no request. Static storage.
    void set_protocol(std::string_view protocol) { protocol_ = protocol; }
    void set_endpoint(std::string_view id) { endpoint_.set(id); }
    // The first one counts. `why` has static storage.
    void set_failure(std::string_view why) {
        if (failure_.empty()) failure_ = why;
    }
    void write(std::string_view upstream, TimePoint now);

private:
    WorkerLog& log_;
    const SocketAddress peer_;
    const std::shared_ptr<const std::string> listener_;
    const TimePoint began_;
    Request request_{};
    uint8_t tries_ = 0;
    std::string_view protocol_ = "TCP";
    std::string_view failure_;
    Kept<64> endpoint_;
};

}  // namespace steelyard::access_log
