// What becomes of an exchange in which nothing has happened for a while. Comes about twice a second, with every tick while it connects.
#include <utility>

#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/exchange.hpp"

namespace steelyard::http {
namespace {

// By then the request has been sent anew twice, 200 and 600 ms after the first time.
constexpr Milliseconds kSilence{500};
constexpr uint8_t kRetransmissions = 2;

}  // namespace

// The host's kernel does not acknowledge what it was sent: over a pooled connection nothing else tells that its node has gone.
bool Exchange::host_is_silent(TimePoint now) const {
    if (phase_ != Phase::exchanging || reply_ != Reply::awaited || upstream_ == nullptr) return false;
    return now - started_ >= kSilence && upstream_->channel.retransmissions() >= kRetransmissions;
}

// Others are spared it; this one goes elsewhere if it may and somebody else is there, and else goes on waiting.
void Exchange::leave_silent_host() {
    if (!std::exchange(silence_noted_, true)) {
        client_.upstream()->note_failure(*lease_.host(), HostFault::silent);
    }
    const auto* snapshot = client_.upstream()->snapshot();
    const bool others = snapshot != nullptr && snapshot->hosts.size() > tried_.count() + 1;
    if (!others || !replayable_ || !is_idempotent(method_) || tries_ >= kMaxTries) return;
    silence_noted_ = false;
    tried_.add(lease_.host().get());
    drop_upstream(true);
    try_next_host();
}

void Exchange::on_sweep(TimePoint now) {
    if (phase_ == Phase::done) return;
    const bool host_gone = lease_.expired(now);
    const bool silent = !host_gone && now < deadline_ && host_is_silent(now);
    if (!host_gone && now < deadline_ && !silent) return;
    if (host_gone) upstream_counters_->drain_cuts.add();
    const bool all_sent = head_sent_ == request_.size() && body_sent_ == body_held_;
    if (silent) {
        leave_silent_host();
    } else if (phase_ == Phase::connecting) {
        on_connect_failed(HostFault::silent);
    } else if (reply_ == Reply::awaited && !host_gone && !request_done_ && all_sent) {
        worker_.counters.timeouts.add();
        answer(408, "the request's body took too long", Failure::timeout);
    } else if (reply_ == Reply::awaited || reply_ == Reply::held) {
        answer(504, host_gone ? "the endpoint left before it answered" : "the endpoint took too long to answer",
               Failure::timeout);
    } else if (reply_ == Reply::local && reply_head_.empty()) {
        close_client_ = true;  // the answer is out: only the rest of a body that nobody wants is missing
        complete();
    } else {
        cut(Failure::timeout);
    }
    driving_ = true;
    if (phase_ == Phase::exchanging) progress();
    driving_ = false;
    report();
}

}  // namespace steelyard::http
