#include "controller/events/recorder.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stop_token>

#include "common/json/read.hpp"
#include "common/log.hpp"
#include "controller/kube/backoff.hpp"
#include "controller/kube/client.hpp"
#include "controller/kube/micro_time.hpp"
#include "controller/kube/work_thread.hpp"

namespace steelyard::events {
namespace {

using nlohmann::json;

constexpr const char* kReportingController = "steelyard.dev/controller";

std::string now_text() { return kube::micro_time(std::chrono::system_clock::now()); }

std::string namespace_of(const EventSpec& event) { return event.regarding.ns.empty() ? "default" : event.regarding.ns; }

std::string collection(const EventSpec& event) {
    return "/apis/events.k8s.io/v1/namespaces/" + namespace_of(event) + "/events";
}

std::string dump(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string creation(const Aggregator::Write& write, const std::string& identity) {
    const EventSpec& event = write.event;
    json regarding = {
        {"apiVersion", event.regarding.api_version}, {"kind", event.regarding.kind}, {"name", event.regarding.name}};
    if (!event.regarding.ns.empty()) regarding["namespace"] = event.regarding.ns;
    if (!event.regarding.uid.empty()) regarding["uid"] = event.regarding.uid;
    return dump({{"apiVersion", "events.k8s.io/v1"},
                 {"kind", "Event"},
                 {"metadata", {{"name", write.name}, {"namespace", namespace_of(event)}}},
                 {"eventTime", now_text()},
                 {"reportingController", kReportingController},
                 {"reportingInstance", identity.substr(0, 128)},
                 {"type", event.type == Severity::warning ? "Warning" : "Normal"},
                 {"reason", event.reason},
                 {"action", event.action},
                 {"note", event.note},
                 {"regarding", std::move(regarding)}});
}

uint64_t count_of(const std::string& text) {
    const json event = parse_json(text);
    return static_cast<uint64_t>(std::max<int64_t>(1, whole_of(object_of(event, "series"), "count").value_or(1)));
}

}  // namespace

class Recorder::Impl {
public:
    Impl(kube::Client& client, RecorderOptions options)
        : client_(client), options_(std::move(options)), aggregator_(options_.limits) {}
    ~Impl() { stop(); }

    void start() {
        thread_.start([this](const std::stop_token& stop) { run(stop); });
    }
    void request_stop() { thread_.request_stop(); }
    void stop() { thread_.stop(); }
    void record(EventSpec event) {
        const std::lock_guard lock(mutex_);
        if (queue_.size() >= options_.max_queue) {
            ++stats_.dropped;
            return;
        }
        queue_.push_back(std::move(event));
        changed_.notify_one();
    }
    RecorderStats stats() const {
        const std::lock_guard lock(mutex_);
        return stats_;
    }

private:
    using Outcome = kube::ApiResult<uint64_t RecorderStats::*>;

    void run(const std::stop_token& stop);
    std::optional<EventSpec> take(const std::stop_token& stop);
    void write(const Aggregator::Write& write, const std::stop_token& stop);
    Outcome attempt(const Aggregator::Write& write, const std::stop_token& stop);
    Outcome add_to_series(const Aggregator::Write& write, const std::stop_token& stop);
    void count(uint64_t RecorderStats::*result) {
        const std::lock_guard lock(mutex_);
        ++(stats_.*result);
    }

    kube::Client& client_;
    const RecorderOptions options_;
    Aggregator aggregator_;  // the thread's own
    std::string logged_;     // the failure that was logged last; the thread's own
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<EventSpec> queue_;
    RecorderStats stats_;
    kube::WorkThread thread_;
};

void Recorder::Impl::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        if (auto event = take(stop)) {
            if (auto one = aggregator_.observe(std::move(*event), Clock::now())) {
                write(*one, stop);
                kube::WorkThread::sleep(options_.pace, stop);
            }
        }
        for (const auto& one : aggregator_.due(Clock::now())) {
            if (stop.stop_requested()) return;
            write(one, stop);
            kube::WorkThread::sleep(options_.pace, stop);
        }
        const std::lock_guard lock(mutex_);
        stats_.suppressed = aggregator_.suppressed();
    }
}

// The next that was recorded; nullopt when a series is due before, or at a stop.
std::optional<EventSpec> Recorder::Impl::take(const std::stop_token& stop) {
    const auto due = aggregator_.next_due();
    std::unique_lock lock(mutex_);
    const auto some = [this] { return !queue_.empty(); };
    if (due) {
        if (!changed_.wait_until(lock, stop, *due, some)) return std::nullopt;
    } else if (!changed_.wait(lock, stop, some)) {
        return std::nullopt;
    }
    EventSpec event = std::move(queue_.front());
    queue_.pop_front();
    return event;
}

void Recorder::Impl::write(const Aggregator::Write& write, const std::stop_token& stop) {
    kube::Backoff backoff(options_.retry_base, options_.retry_limit,
                          [engine = std::mt19937_64(std::random_device{}())]() mutable {
                              return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
                          });
    const TimePoint deadline = Clock::now() + options_.patience;
    while (true) {
        const Outcome outcome = attempt(write, stop);
        if (outcome) {
            logged_.clear();
            return count(*outcome);
        }
        const kube::ApiError& error = outcome.error();
        if (error.kind == kube::ApiErrorKind::stopped) return;
        if (std::string state = fmt::format("{} {}", to_string(error.kind), error.status); state != logged_) {
            logged_ = std::move(state);
            log::warn(
                "events: {} {}/{}: {}: cannot be written: {}; it is in this log alone unless a retry succeeds: {}",
                write.event.regarding.kind, write.event.regarding.ns, write.event.regarding.name, write.event.reason,
                error.to_string(), write.event.note);
        }
        const Milliseconds wait = std::max(backoff.next(), error.retry_after.value_or(Milliseconds(0)));
        if (!is_transient(error.kind) || Clock::now() + wait >= deadline) return count(&RecorderStats::failed);
        kube::WorkThread::sleep(wait, stop);
        if (stop.stop_requested()) return;
    }
}

Recorder::Impl::Outcome Recorder::Impl::attempt(const Aggregator::Write& write, const std::stop_token& stop) {
    if (write.more != 0) {
        Outcome outcome = add_to_series(write, stop);
        // The API server forgets Events after an hour: it is made anew then.
        if (outcome || outcome.error().kind != kube::ApiErrorKind::not_found) return outcome;
    }
    const auto made = client_.create(collection(write.event), creation(write, options_.identity), stop);
    if (made) return &RecorderStats::created;
    if (made.error().kind != kube::ApiErrorKind::conflict) return made.error();
    if (write.event.once) return &RecorderStats::known;
    return add_to_series(write, stop);
}

// An empty patch reads the count: the right to patch is all that is needed, and another may have counted meanwhile.
Recorder::Impl::Outcome Recorder::Impl::add_to_series(const Aggregator::Write& write, const std::stop_token& stop) {
    const std::string target = collection(write.event) + "/" + write.name;
    const auto now = client_.patch(target, "{}", kube::kMergePatch, stop);
    if (!now) return now.error();
    const uint64_t count = count_of(*now) + std::max<uint64_t>(1, write.more);
    const json series = {{"series", {{"count", count}, {"lastObservedTime", now_text()}}}};
    const auto written = client_.patch(target, dump(series), kube::kMergePatch, stop);
    if (!written) return written.error();
    return &RecorderStats::updated;
}

Recorder::Recorder(kube::Client& client, RecorderOptions options)
    : impl_(std::make_unique<Impl>(client, std::move(options))) {}
Recorder::~Recorder() = default;
void Recorder::start() { impl_->start(); }
void Recorder::request_stop() { impl_->request_stop(); }
void Recorder::stop() { impl_->stop(); }
void Recorder::record(EventSpec event) { impl_->record(std::move(event)); }
RecorderStats Recorder::stats() const { return impl_->stats(); }

}  // namespace steelyard::events
