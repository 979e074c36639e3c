#include "controller/kube/reflector_core.hpp"

#include <algorithm>
#include <utility>

namespace steelyard::kube {
namespace {

constexpr int kRefusalsBeforeList = 3;
constexpr int64_t kSmallestPage = 10;
constexpr Milliseconds kTooShortWatch{1000};
constexpr Milliseconds kMaxRetryAfter{60'000};
constexpr Milliseconds kMaxWaitForCredentials{5'000};  // whoever rotates a token does so soon

}  // namespace

ReflectorCore::ReflectorCore(ReflectorTiming timing, Backoff::Random random)
    : timing_(timing),
      random_(random),
      backoff_(timing.backoff_base, timing.backoff_limit, std::move(random)),
      limit_(timing.page_size) {}

ReflectorCore::Step ReflectorCore::next() {
    if (listing_) return List{continue_token_, limit_};
    const auto span = static_cast<double>(timing_.watch_seconds_max - timing_.watch_seconds_min);
    return Watch{resource_version_, timing_.watch_seconds_min + static_cast<int64_t>(random_() * span)};
}

bool ReflectorCore::on_page(const std::string& resource_version, const std::string& continue_token, size_t bytes) {
    if (bytes > timing_.page_bytes) limit_ = std::max(kSmallestPage, limit_ / 2);
    resource_version_ = resource_version;
    continue_token_ = continue_token;
    if (!continue_token.empty()) return false;
    listing_ = false;
    refusals_ = 0;
    return true;
}

void ReflectorCore::on_progress(std::string_view resource_version) {
    if (!resource_version.empty()) resource_version_ = resource_version;
    steady();
}

void ReflectorCore::steady() {
    backoff_.reset();
    refusals_ = 0;
    was_gone_ = false;
}

void ReflectorCore::was_open(Milliseconds lived) {
    if (lived >= timing_.steady_after) steady();
}

Milliseconds ReflectorCore::on_watch_end(Milliseconds lived) {
    was_open(lived);
    return lived >= kTooShortWatch ? Milliseconds(0) : backoff_.next();
}

void ReflectorCore::list_anew() {
    listing_ = true;
    continue_token_.clear();
    refusals_ = 0;
}

Milliseconds ReflectorCore::on_error(const ApiError& error, Milliseconds lived) {
    if (listing_) {
        if (!is_transient(error.kind)) list_anew();
    } else {
        was_open(lived);
        const bool refused =
            error.status != 0 && error.kind != ApiErrorKind::unauthorized && error.kind != ApiErrorKind::throttled;
        if (error.kind == ApiErrorKind::gone || error.kind == ApiErrorKind::malformed ||
            (refused && ++refusals_ >= kRefusalsBeforeList)) {
            list_anew();
        }
    }
    if (error.kind == ApiErrorKind::gone) {
        if (!was_gone_) backoff_.reset();  // the server is well, only our knowledge is old
        was_gone_ = true;
    }
    Milliseconds wait = backoff_.next();
    if (error.kind == ApiErrorKind::unauthorized || error.kind == ApiErrorKind::credentials) {
        wait = std::min(wait, kMaxWaitForCredentials);
    }
    return error.retry_after ? std::max(wait, std::min(*error.retry_after, kMaxRetryAfter)) : wait;
}

}  // namespace steelyard::kube
