#include "controller/status/worker.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <utility>

#include "common/log.hpp"
#include "controller/kube/backoff.hpp"
#include "controller/kube/work_thread.hpp"

namespace steelyard::status {
namespace {

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

class Worker::Impl {
public:
    Impl(std::function<bool()> is_leader, WriterOptions options, std::string what, std::string consequence)
        : is_leader_(std::move(is_leader)),
          options_(options),
          what_(std::move(what)),
          consequence_(std::move(consequence)),
          backoff_(options.retry_base, options.retry_limit, seeded_random()) {}
    ~Impl() { stop(); }

    void start() {
        thread_.start([this](const std::stop_token& stop) { run(stop); });
    }
    void request_stop() { thread_.request_stop(); }
    void stop() { thread_.stop(); }
    void put(const std::string& id, Job job);
    void withdraw(const std::string& id) {
        const std::lock_guard lock(mutex_);
        waiting_.erase(id);
    }
    WriterStats stats() const {
        const std::lock_guard lock(mutex_);
        WriterStats stats = stats_;
        stats.waiting = waiting_.size();
        return stats;
    }

private:
    struct Task {
        Job job;
        uint64_t number = 0;  // of the put: a newer one is not forgotten when this is done
        TimePoint due{};
        std::shared_ptr<kube::Backoff> backoff;  // once it failed
        std::string logged;                      // the failure of its own that was logged last
    };
    using Turn = std::map<std::string, Task>::iterator;

    void run(const std::stop_token& stop);
    std::optional<std::pair<std::string, Task>> next(const std::stop_token& stop);
    Turn first_due(TimePoint now);
    Milliseconds perform(const std::string& id, const Task& task, const std::stop_token& stop);
    void postpone(const std::string& id, const Task& task, Milliseconds least);
    void forget(const std::string& id, uint64_t number, uint64_t WriterStats::*result);
    void log_failure(const std::string& id, const kube::ApiError& error, bool again);

    const std::function<bool()> is_leader_;
    const WriterOptions options_;
    const std::string what_;
    const std::string consequence_;
    kube::Backoff backoff_;  // of the API server; the thread's own, as the two below
    std::string logged_;
    std::string last_;  // done last: the others have their turn first
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, Task> waiting_;
    uint64_t puts_ = 0;
    WriterStats stats_;
    kube::WorkThread thread_;
};

void Worker::Impl::put(const std::string& id, Job job) {
    if (!is_leader_()) return;
    const std::lock_guard lock(mutex_);
    if (waiting_.contains(id) || waiting_.size() < options_.max_queue) {
        Task& task = waiting_[id];
        task.job = std::move(job);
        task.number = ++puts_;
        task.due = {};
        changed_.notify_one();
    } else {
        ++stats_.dropped;
    }
}

void Worker::Impl::run(const std::stop_token& stop) {
    while (auto task = next(stop)) kube::WorkThread::sleep(perform(task->first, task->second, stop), stop);
}

// Of those that are due the one whose turn it is; the end if there is none.
Worker::Impl::Turn Worker::Impl::first_due(TimePoint now) {
    const auto is_due = [&](const auto& entry) { return entry.second.due <= now; };
    const auto after = waiting_.upper_bound(last_);
    const auto found = std::find_if(after, waiting_.end(), is_due);
    if (found != waiting_.end()) return found;
    const auto before = std::find_if(waiting_.begin(), after, is_due);
    return before != after ? before : waiting_.end();
}

// Nothing at a stop. Who no longer leads has nothing to write.
std::optional<std::pair<std::string, Worker::Impl::Task>> Worker::Impl::next(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
        if (stop.stop_requested()) break;
        if (!is_leader_()) {
            waiting_.clear();
            continue;
        }
        const auto turn = first_due(Clock::now());
        if (turn != waiting_.end()) {
            last_ = turn->first;
            return *turn;
        }
        const auto soonest = std::min_element(waiting_.begin(), waiting_.end(), [](const auto& a, const auto& b) {
                                 return a.second.due < b.second.due;
                             })->second.due;
        changed_.wait_until(lock, stop, soonest, [this, puts = puts_] { return puts_ != puts; });
    }
    return std::nullopt;
}

// How long to wait before the next.
Milliseconds Worker::Impl::perform(const std::string& id, const Task& task, const std::stop_token& stop) {
    const std::optional<kube::ApiError> error = task.job(stop);
    if (!error) {
        logged_.clear();
        backoff_.reset();
        forget(id, task.number, &WriterStats::written);
        return options_.pace;
    }
    if (error->kind == kube::ApiErrorKind::stopped) return Milliseconds(0);
    if (error->kind == kube::ApiErrorKind::not_found) {
        forget(id, task.number, nullptr);
        return options_.pace;
    }
    const bool again = may_succeed(error->kind);
    log_failure(id, *error, again);
    if (!again) {
        forget(id, task.number, &WriterStats::refused);
        return options_.pace;
    }
    postpone(id, task, error->retry_after.value_or(Milliseconds(0)));
    // What is wrong with one object is not waited for by the others.
    return is_transient(error->kind) ? std::max(backoff_.next(), error->retry_after.value_or(Milliseconds(0)))
                                     : options_.pace;
}

void Worker::Impl::postpone(const std::string& id, const Task& task, Milliseconds least) {
    const std::lock_guard lock(mutex_);
    ++stats_.failed;
    const auto found = waiting_.find(id);
    if (found == waiting_.end() || found->second.number != task.number) return;
    if (!found->second.backoff) {
        found->second.backoff =
            std::make_shared<kube::Backoff>(options_.retry_base, options_.retry_limit, seeded_random());
    }
    found->second.due = Clock::now() + std::max(found->second.backoff->next(), least);
}

void Worker::Impl::forget(const std::string& id, uint64_t number, uint64_t WriterStats::*result) {
    const std::lock_guard lock(mutex_);
    if (const auto found = waiting_.find(id); found != waiting_.end() && found->second.number == number)
        waiting_.erase(found);
    if (result != nullptr) ++(stats_.*result);
}

// Each once: what is wrong with the API server for all objects, what is wrong with one object for that one.
void Worker::Impl::log_failure(const std::string& id, const kube::ApiError& error, bool again) {
    std::string state = fmt::format("{} {}", to_string(error.kind), error.status);
    if (is_transient(error.kind)) {
        if (state == logged_) return;
        logged_ = std::move(state);
    } else {
        const std::lock_guard lock(mutex_);
        const auto found = waiting_.find(id);
        if (found != waiting_.end() && found->second.logged == state) return;
        if (found != waiting_.end()) found->second.logged = std::move(state);
    }
    log::warn("{}: {} cannot be written: {}; {}; {}", id, what_, error.to_string(), consequence_,
              again ? "trying again, at growing intervals" : "it stays as it is");
}

Worker::Worker(std::function<bool()> is_leader, WriterOptions options, std::string what, std::string consequence)
    : impl_(std::make_unique<Impl>(std::move(is_leader), options, std::move(what), std::move(consequence))) {}
Worker::~Worker() = default;
void Worker::start() { impl_->start(); }
void Worker::request_stop() { impl_->request_stop(); }
void Worker::stop() { impl_->stop(); }
void Worker::put(const std::string& id, Job job) { impl_->put(id, std::move(job)); }
void Worker::withdraw(const std::string& id) { impl_->withdraw(id); }
WriterStats Worker::stats() const { return impl_->stats(); }

}  // namespace steelyard::status
