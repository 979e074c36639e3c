#include "controller/viplease/follower.hpp"

#include <random>
#include <utility>

#include "common/log.hpp"
#include "controller/kube/backoff.hpp"

namespace steelyard::viplease {
namespace {

// A connection that is lost unnoticed is made anew after so long. Until then a replica may write in vain, no worse.
constexpr int kWatchSeconds = 60;
constexpr Milliseconds kIdleLimit{65'000};
constexpr Milliseconds kBackoffBase{100}, kBackoffLimit{5000};
constexpr const char* kSelector = "labelSelector=steelyard.dev%2Fvirtual-router-id";

kube::Backoff::Random seeded_random() {
    return [engine = std::mt19937_64(std::random_device{}()),
            spread = std::uniform_real_distribution<double>(0.0, 1.0)]() mutable { return spread(engine); };
}

}  // namespace

Follower::Follower(kube::Transport& watches, std::string collection, Callbacks callbacks)
    : watches_(watches), collection_(std::move(collection)), callbacks_(std::move(callbacks)) {}

void Follower::start() {
    thread_.start([this](const std::stop_token& stop) { run(stop); });
}

void Follower::run(const std::stop_token& stop) {
    kube::Backoff backoff{kBackoffBase, kBackoffLimit, seeded_random()};
    std::string logged;
    const auto failed = [&](const kube::ApiError& error) {
        if (stop.stop_requested()) return;
        const std::string state{to_string(error.kind)};
        if (state != logged && error.kind != kube::ApiErrorKind::gone)
            log::warn("virtual IPs: Leases cannot be watched: {}; trying again", error.to_string());
        logged = state;
        kube::WorkThread::sleep(backoff.next(), stop);
    };
    while (!stop.stop_requested()) {
        auto version = list(stop);
        if (!version) {
            failed(version.error());
            continue;
        }
        if (!logged.empty()) log::info("virtual IPs: Leases are watched again");
        logged.clear();
        backoff.reset();
        failed(watch(*version, stop));
    }
}

kube::ApiResult<std::string> Follower::list(const std::stop_token& stop) {
    auto answer = watches_.get({collection_ + "?" + kSelector}, stop);
    if (!answer) return answer.error();
    auto list = decode_records(*answer);
    if (!list) return kube::ApiError{kube::ApiErrorKind::malformed, 0, list.error().to_string()};
    std::string version = std::move(list->resource_version);
    callbacks_.on_list(std::move(list->records));
    return version;
}

// Until it fails. A stream that ends in good order is followed by the next.
kube::ApiError Follower::watch(std::string& version, const std::stop_token& stop) {
    while (true) {
        auto stream = watches_.watch({collection_ + "?watch=true&" + kSelector + "&timeoutSeconds=" +
                                      std::to_string(kWatchSeconds) + "&resourceVersion=" + version},
                                     stop);
        if (!stream) return stream.error();
        while (true) {
            auto line = (*stream)->next_line(kIdleLimit, stop);
            if (!line) return line.error();
            if (!line->has_value()) break;
            if ((*line)->empty()) continue;
            auto event = decode_event(**line);
            if (!event) return {kube::ApiErrorKind::malformed, 0, event.error().to_string()};
            if (event->type == RecordEvent::Type::error)
                return {kube::kind_of_status(event->error_code), event->error_code, event->error_message};
            if (event->type == RecordEvent::Type::other) continue;
            version = event->record.lease.resource_version;
            callbacks_.on_event(std::move(*event));
        }
    }
}

}  // namespace steelyard::viplease
