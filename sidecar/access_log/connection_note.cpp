#include "sidecar/access_log/connection_note.hpp"

#include <netinet/in.h>

#include <utility>

namespace steelyard::access_log {

ConnectionNote::ConnectionNote(WorkerLog& log, const SocketAddress& peer, std::shared_ptr<const std::string> listener,
                               TimePoint began)
    : log_(log), peer_(peer), listener_(std::move(listener)), began_(began) {
    endpoint_.clear();
}

ConnectionNote::~ConnectionNote() {
    if (request_.note != nullptr) log_.give_back(request_.note);
}

void ConnectionNote::write(std::string_view upstream, TimePoint now) {
    Record record;
    if (request_.note != nullptr) {
        request_.note->fill(record);
        record.status = request_.status;
        record.answer = std::chrono::duration_cast<Microseconds>(request_.answered - began_);
    } else {
        record.protocol = protocol_;
        record.endpoint = endpoint_.view();
    }
    std::array<char, INET6_ADDRSTRLEN> ip;
    record.client = {ip.data(), peer_.write_ip(ip.data())};
    record.client_port = peer_.port();
    if (record.real_ip.empty()) record.real_ip = record.client;
    if (listener_) record.listener = *listener_;
    record.upstream = upstream;
    record.failure = failure_;
    record.request_bytes = request_.bytes_in;
    record.response_bytes = request_.bytes_out;
    record.tries = tries_;
    log_.write(record, began_, now);
}

}  // namespace steelyard::access_log
