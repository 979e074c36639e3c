// What the access log says of an exchange. Nothing here runs while there is none.
#include <utility>

#include "sidecar/access_log/connection_note.hpp"
#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/exchange.hpp"

namespace steelyard::http {
namespace {

std::string_view name_of(const WorkerUpstream& upstream) {
    return upstream.snapshot() != nullptr ? upstream.snapshot()->name : upstream.name();
}

}  // namespace

void Exchange::write_log(std::string_view failure) {
    access_log::Record record;
    note_->fill(record);
    record.client = client_.client_ip();
    record.client_port = client_.peer().port();
    if (client_.listener()) record.listener = *client_.listener();
    record.upstream = name_of(*client_.upstream());
    record.status = bytes_out_ != 0 ? status_ : uint16_t{0};
    record.failure = failure;
    record.request_bytes = bytes_in_;
    record.response_bytes = bytes_out_;
    if (answered_ != TimePoint{}) {
        record.answer = std::chrono::duration_cast<access_log::Microseconds>(answered_ - started_);
    }
    record.tries = tries_;
    worker_.access_log->write(record, started_, worker_.reactor.now());
    worker_.access_log->give_back(std::exchange(note_, nullptr));
}

// The line is written when the tunnel ends.
std::unique_ptr<access_log::ConnectionNote> Exchange::pass_on_note() {
    if (note_ == nullptr) return nullptr;
    auto note =
        std::make_unique<access_log::ConnectionNote>(*worker_.access_log, client_.peer(), client_.listener(), started_);
    note->set_request({std::exchange(note_, nullptr), status_, worker_.reactor.now(), bytes_in_, bytes_out_});
    note->set_tries(tries_);
    return note;
}

void ClientConnection::log_refusal(uint16_t status, std::string_view why, size_t bytes_out) {
    access_log::Record record;
    record.client = record.real_ip = client_ip();
    record.client_port = peer_.port();
    if (listener_) record.listener = *listener_;
    record.upstream = name_of(*upstream_);
    record.status = status;
    record.failure = why;
    record.request_bytes = input_.size();
    record.response_bytes = bytes_out;
    const TimePoint began = deadline_ - worker_.timeouts.request_head;
    worker_.access_log->write(record, began, worker_.reactor.now());
}

}  // namespace steelyard::http
