#include "controller/status/writer.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>

#include "common/log.hpp"
#include "controller/kube/backoff.hpp"
#include "controller/kube/client.hpp"
#include "controller/kube/micro_time.hpp"
#include "controller/status/patch.hpp"

namespace steelyard::status {
namespace {

// RFC 3339 in UTC to the second, as meta/v1 Time has it.
std::string now_text() {
    constexpr size_t kToTheSecond = 19;
    return kube::micro_time(std::chrono::system_clock::now()).substr(0, kToTheSecond) + "Z";
}

std::string target_of(const kube::ObjectKey& key) {
    return "/apis/steelyard.dev/v1alpha1/namespaces/" + key.ns + "/loadbalancingpolicies/" + key.name + "/status";
}

kube::Backoff::Random seeded_random() {
    return [engine = std::mt19937_64(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
    };
}

// Worth another try later: the server, our right to write or the schema may be mended.
bool may_succeed(kube::ApiErrorKind kind) {
    return is_transient(kind) || kind == kube::ApiErrorKind::forbidden || kind == kube::ApiErrorKind::conflict;
}

}  // namespace

class Writer::Impl {
public:
    Impl(kube::Client& client, std::function<bool()> is_leader, WriterOptions options)
        : client_(client),
          is_leader_(std::move(is_leader)),
          options_(options),
          backoff_(options.retry_base, options.retry_limit, seeded_random()) {}
    ~Impl() { stop(); }

    void start() {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    void request_stop() { thread_.request_stop(); }
    void stop() {
        if (!thread_.joinable()) return;
        thread_.request_stop();
        thread_.join();
    }
    void offer(const kube::LoadBalancingPolicy& seen, const std::vector<kube::Condition>& wanted);
    WriterStats stats() const {
        const std::lock_guard lock(mutex_);
        WriterStats stats = stats_;
        stats.waiting = waiting_.size();
        return stats;
    }

private:
    struct Task {
        std::string patch;
        uint64_t number = 0;  // of the offer: a newer one is not forgotten when this is done
    };

    void run(const std::stop_token& stop);
    std::optional<std::pair<kube::ObjectKey, Task>> next(const std::stop_token& stop);
    std::optional<Milliseconds> write(const kube::ObjectKey& key, const Task& task, const std::stop_token& stop);
    void forget(const kube::ObjectKey& key, uint64_t number, uint64_t WriterStats::*result);
    void log_failure(const kube::ObjectKey& key, const kube::ApiError& error, bool again);
    void sleep(Milliseconds time, const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, time, [] { return false; });
    }

    kube::Client& client_;
    const std::function<bool()> is_leader_;
    const WriterOptions options_;
    kube::Backoff backoff_;  // the thread's own, and logged_
    std::string logged_;
    kube::ObjectKey last_;  // written last: the others have their turn first
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<kube::ObjectKey, Task> waiting_;
    uint64_t offers_ = 0;
    WriterStats stats_;
    std::jthread thread_;
};

void Writer::Impl::offer(const kube::LoadBalancingPolicy& seen, const std::vector<kube::Condition>& wanted) {
    if (!is_leader_()) return;
    auto patch = status_patch(seen.conditions, wanted, now_text());
    const kube::ObjectKey key = seen.meta.key();
    const std::lock_guard lock(mutex_);
    if (!patch) {
        waiting_.erase(key);
    } else if (waiting_.contains(key) || waiting_.size() < options_.max_queue) {
        waiting_.insert_or_assign(key, Task{*std::move(patch), ++offers_});
        changed_.notify_one();
    } else {
        ++stats_.dropped;
    }
}

void Writer::Impl::run(const std::stop_token& stop) {
    while (auto task = next(stop)) {
        const auto wait = write(task->first, task->second, stop);
        if (!wait) backoff_.reset();
        sleep(wait.value_or(options_.pace), stop);
    }
}

// In turn; nothing at a stop. Who no longer leads has nothing to write.
std::optional<std::pair<kube::ObjectKey, Writer::Impl::Task>> Writer::Impl::next(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
        if (stop.stop_requested()) break;
        if (!is_leader_()) {
            waiting_.clear();
            continue;
        }
        auto turn = waiting_.upper_bound(last_);
        if (turn == waiting_.end()) turn = waiting_.begin();
        last_ = turn->first;
        return *turn;
    }
    return std::nullopt;
}

// How long to wait before the next try; nothing if this one is done with.
std::optional<Milliseconds> Writer::Impl::write(const kube::ObjectKey& key, const Task& task,
                                                const std::stop_token& stop) {
    const auto answer = client_.patch(target_of(key), task.patch, kube::kMergePatch, stop);
    if (answer) {
        logged_.clear();
        forget(key, task.number, &WriterStats::written);
        return std::nullopt;
    }
    const kube::ApiError& error = answer.error();
    if (error.kind == kube::ApiErrorKind::stopped) return Milliseconds(0);
    if (error.kind == kube::ApiErrorKind::not_found) {
        forget(key, task.number, nullptr);
        return std::nullopt;
    }
    const bool again = may_succeed(error.kind);
    log_failure(key, error, again);
    if (!again) {
        forget(key, task.number, &WriterStats::refused);
        return std::nullopt;
    }
    {
        const std::lock_guard lock(mutex_);
        ++stats_.failed;
    }
    return std::max(backoff_.next(), error.retry_after.value_or(Milliseconds(0)));
}

void Writer::Impl::forget(const kube::ObjectKey& key, uint64_t number, uint64_t WriterStats::*result) {
    const std::lock_guard lock(mutex_);
    if (const auto found = waiting_.find(key); found != waiting_.end() && found->second.number == number)
        waiting_.erase(found);
    if (result != nullptr) ++(stats_.*result);
}

void Writer::Impl::log_failure(const kube::ObjectKey& key, const kube::ApiError& error, bool again) {
    std::string state = fmt::format("{} {}", to_string(error.kind), error.status);
    if (state == logged_) return;
    logged_ = std::move(state);
    log::warn("{} {}: the status cannot be written: {}; the policy is in force all the same; {}", policy::kKind,
              key.to_string(), error.to_string(), again ? "trying again, at growing intervals" : "it stays as it is");
}

Writer::Writer(kube::Client& client, std::function<bool()> is_leader, WriterOptions options)
    : impl_(std::make_unique<Impl>(client, std::move(is_leader), options)) {}
Writer::~Writer() = default;
void Writer::start() { impl_->start(); }
void Writer::request_stop() { impl_->request_stop(); }
void Writer::stop() { impl_->stop(); }
void Writer::offer(const kube::LoadBalancingPolicy& seen, const std::vector<kube::Condition>& wanted) {
    impl_->offer(seen, wanted);
}
WriterStats Writer::stats() const { return impl_->stats(); }

}  // namespace steelyard::status
