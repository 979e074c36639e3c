#include "controller/push/session.hpp"

#include <algorithm>
#include <utility>

#include "common/push/codec.hpp"

namespace steelyard::push {

PushSession::PushSession(PushCache& cache, Limits limits, Admit admit, bool ready, TimePoint now, std::string ns)
    : cache_(cache), limits_(limits), admit_(std::move(admit)), started_(now), ns_(std::move(ns)), ready_(ready) {}

PushSession::Action PushSession::close(std::string code, std::string problem) {
    closed_ = true;
    in_flight_.reset();
    return {nullptr, ErrorMessage{std::move(code), std::move(problem)}};
}

PushSession::Action PushSession::on_message(std::string_view text, TimePoint now) {
    if (closed_) return {};
    auto decoded = decode_from_proxy(text);
    if (auto* failure = std::get_if<DecodeFailure>(&decoded)) {
        return close(status_.hello ? "protocol" : "bad_hello", failure->problems.first().to_string());
    }
    auto& message = std::get<FromProxy>(decoded);
    if (status_.hello.has_value() == std::holds_alternative<Hello>(message)) {
        return status_.hello ? close("protocol", "a second hello")
                             : close("bad_hello", "the first message is not a hello");
    }
    return std::visit([&](auto& m) { return on(std::move(m), now); }, message);
}

PushSession::Action PushSession::on(Hello&& hello, TimePoint now) {
    if (hello.protocol != kProtocol) {
        return close("unsupported_protocol", "protocol " + std::to_string(hello.protocol) +
                                                 " is asked for; this controller speaks " + std::to_string(kProtocol));
    }
    if (auto refused = admit_(hello)) return close(std::move(refused->code), std::move(refused->problem));
    subscription_ = Subscription::of(hello, ns_);
    for (const auto& name : subscription_.names) {
        if (!subscription_.owns(name)) foreign_.push_back(name);
    }
    base_ = hello.version;
    hello.wants = {};
    status_.hello = std::move(hello);
    return on_ready_or_later(now);
}

PushSession::Action PushSession::on(Ack&& ack, TimePoint now) {
    if (!in_flight_ || ack.version != in_flight_->version) {
        return close("protocol", "an ack for version " + ack.version + ", which is not the one in flight");
    }
    ++status_.acks;
    status_.acked = base_ = std::move(in_flight_->version);
    status_.last_ack_time = now - in_flight_->sent;
    status_.nacked_version.clear();
    status_.nack_errors.clear();
    cursor_ = in_flight_->counter;
    refused_.reset();
    in_flight_.reset();
    return pump(now);
}

PushSession::Action PushSession::on(Nack&& nack, TimePoint now) {
    if (!in_flight_ || nack.version != in_flight_->version) {
        return close("protocol", "a nack for version " + nack.version + ", which is not the one in flight");
    }
    ++status_.nacks;
    status_.nacked_version = std::move(nack.version);
    status_.nack_errors = std::move(nack.errors);
    // A proxy that is not where the delta begins needs a snapshot, now; anything else it refused it would refuse again.
    const bool lost = cursor_ && !status_.nack_errors.empty() && status_.nack_errors[0].where == "base";
    if (lost) {
        cursor_.reset();
    } else {
        refused_ = in_flight_->counter;
    }
    in_flight_.reset();
    return pump(now);
}

PushSession::Action PushSession::on(Report&& report, TimePoint) {
    ++status_.reports;
    status_.report = std::move(report);
    return {};
}

PushSession::Action PushSession::on_ready(TimePoint now) {
    if (ready_) return {};
    ready_ = true;
    return on_ready_or_later(now);
}

// Only a ready cache can tell whether the version that a proxy brings still means something.
PushSession::Action PushSession::on_ready_or_later(TimePoint now) {
    if (closed_ || !ready_ || !status_.hello) return {};
    cursor_ = cache_.known(base_);
    if (cursor_) status_.acked = base_;
    Action action = pump(now);
    action.refused = refused_now();
    if (action.frame || action.close) return action;
    // Nothing new since the version it resumes: it is told so by an empty delta, and knows that it is in sync.
    Action empty = send(
        std::make_shared<const std::string>(FrameWriter::delta(base_, cache_.version().to_string()).finish()), now);
    empty.refused = std::move(action.refused);
    return empty;
}

// The list, if it is not what it was told last. Who may have nothing of a namespace is told the same of what is there
// and of what is not.
Frame PushSession::refused_now() {
    if (foreign_.empty() || !ready_ || told_as_of_ == cache_.grants_generation()) return nullptr;
    told_as_of_ = cache_.grants_generation();
    std::vector<size_t> refused;
    for (size_t i = 0; i < foreign_.size(); ++i) {
        if (!cache_.grants(subscription_, foreign_[i])) refused.push_back(i);
    }
    if (refused == told_) return nullptr;
    Refused message;
    for (const size_t i : refused) {
        message.wants.push_back({foreign_[i], "is not exported to namespace " + ns_ +
                                                  " (annotation steelyard.dev/export-to), or not there"});
        if (!std::binary_search(told_.begin(), told_.end(), i)) ++status_.refused_wants_total;
    }
    status_.refused_wants = refused.size();
    told_ = std::move(refused);
    return std::make_shared<const std::string>(encode(message));
}

PushSession::Action PushSession::send(Frame frame, TimePoint now) {
    ++(cursor_ ? status_.deltas : status_.snapshots);
    status_.bytes += frame->size();
    in_flight_ = InFlight{cache_.version().to_string(), cache_.counter(), now};
    return {std::move(frame), std::nullopt};
}

PushSession::Action PushSession::on_change(TimePoint now) {
    if (closed_ || !status_.hello) return {};
    Action action = pump(now);
    action.refused = refused_now();
    return action;
}

PushSession::Action PushSession::pump(TimePoint now) {
    if (closed_ || !ready_ || !status_.hello) return {};
    if (in_flight_) {
        status_.behind = true;
        return {};
    }
    if (refused_ && !cache_.relevant_since(subscription_, *refused_)) {
        status_.behind = true;
        return {};
    }
    if (cursor_ && !cache_.reaches_back_to(*cursor_)) cursor_.reset();
    Frame frame = cursor_ ? cache_.delta_for(subscription_, *cursor_, base_) : cache_.snapshot_for(subscription_);
    status_.behind = frame != nullptr;
    if (!frame) {
        cursor_ = cache_.counter();  // nothing of what changed until here is for this proxy
        return {};
    }
    if (frame->size() > limits_.max_frame) {
        return close("too_large", "a frame of " + std::to_string(frame->size()) + " bytes is more than the limit of " +
                                      std::to_string(limits_.max_frame) + "; ask for fewer upstreams");
    }
    return send(std::move(frame), now);
}

PushSession::Action PushSession::on_tick(TimePoint now) {
    if (closed_) return {};
    if (!status_.hello && now - started_ >= limits_.hello_timeout) {
        return close("timeout", "no hello within " + std::to_string(limits_.hello_timeout.count()) + " ms");
    }
    if (in_flight_ && now - in_flight_->sent >= limits_.ack_timeout) {
        return close("timeout", "version " + in_flight_->version + " was not acknowledged within " +
                                    std::to_string(limits_.ack_timeout.count()) + " ms");
    }
    return {};
}

}  // namespace steelyard::push
