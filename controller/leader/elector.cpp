#include "controller/leader/elector.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>

#include "common/log.hpp"
#include "controller/kube/client.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::leader {
namespace {

constexpr Milliseconds kReleaseLimit{1000};
constexpr int kWatchSeconds = 300;

LeaderMachine::Random seeded_random() {
    return [engine = std::mt19937_64(std::random_device{}()),
            spread = std::uniform_real_distribution<double>(0.0, 1.0)]() mutable { return spread(engine); };
}

Milliseconds until(TimePoint when) {
    return std::max(Milliseconds(1), std::chrono::ceil<Milliseconds>(when - Clock::now()));
}

}  // namespace

class Elector::Impl {
public:
    Impl(kube::Client& client, kube::Transport& watches, ElectorOptions options, Callbacks callbacks)
        : client_(client),
          watches_(watches),
          options_(std::move(options)),
          callbacks_(std::move(callbacks)),
          leases_("/apis/coordination.k8s.io/v1/namespaces/" + options_.ns + "/leases"),
          machine_(options_.identity, options_.timing, seeded_random()) {}
    ~Impl() { stop(); }

    void start() {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    void request_stop() { thread_.request_stop(); }
    void stop();

    bool is_leader() const { return Clock::now().time_since_epoch().count() < leads_until_.load(); }
    ElectorStats stats() const {
        const std::lock_guard lock(mutex_);
        ElectorStats out = stats_;
        out.leading = is_leader();
        return out;
    }

private:
    void run(const std::stop_token& stop);
    void take(const LeaderMachine::Step& step, const std::stop_token& stop);
    void read(const std::stop_token& stop);
    void write(const LeaderMachine::Step& step, const std::stop_token& stop);
    void follow(TimePoint deadline, const std::stop_token& stop);
    bool on_line(std::string_view line);
    void failed(const kube::ApiError& error);
    void sleep(TimePoint deadline, const std::stop_token& stop);
    void tell(bool leads);
    void release();

    kube::Client& client_;
    kube::Transport& watches_;
    const ElectorOptions options_;
    const Callbacks callbacks_;
    const std::string leases_;
    // The thread's own:
    LeaderMachine machine_;
    bool told_ = false;
    std::string logged_;  // the failure that was logged last; "" while all is well

    std::atomic<Clock::rep> leads_until_{0};
    mutable std::mutex mutex_;
    ElectorStats stats_;
    bool ended_ = false;
    std::condition_variable_any changed_;
    std::stop_source give_up_release_;
    std::jthread thread_;
};

void Elector::Impl::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const LeaderMachine::Step step = machine_.next(Clock::now(), std::chrono::system_clock::now());
        tell(machine_.leads(Clock::now()));
        take(step, stop);
        tell(machine_.leads(Clock::now()));
    }
    release();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

void Elector::Impl::take(const LeaderMachine::Step& step, const std::stop_token& stop) {
    switch (step.what) {
        case LeaderMachine::Do::read:
            return read(stop);
        case LeaderMachine::Do::create:
        case LeaderMachine::Do::write:
            return write(step, stop);
        case LeaderMachine::Do::follow:
            return follow(step.until, stop);
        case LeaderMachine::Do::wait:
            return sleep(step.until, stop);
    }
}

void Elector::Impl::read(const std::stop_token& stop) {
    auto answer = client_.get(leases_ + "/" + options_.lease_name, stop);
    if (!answer) {
        if (answer.error().kind == kube::ApiErrorKind::not_found) return machine_.on_absent(Clock::now());
        return failed(answer.error());
    }
    auto lease = decode_lease(*answer);
    if (!lease) return failed({kube::ApiErrorKind::malformed, 0, lease.error().to_string()});
    machine_.on_lease(std::move(*lease), Clock::now());
}

void Elector::Impl::write(const LeaderMachine::Step& step, const std::stop_token& stop) {
    const TimePoint began = Clock::now();
    const std::string body = encode_lease(step.lease, options_.ns, options_.lease_name);
    auto answer = step.what == LeaderMachine::Do::create
                      ? client_.create(leases_, body, stop)
                      : client_.replace(leases_ + "/" + options_.lease_name, body, stop);
    if (!answer) {
        const auto kind = answer.error().kind;
        // Deleted under us: the next read finds out.
        if (kind == kube::ApiErrorKind::conflict ||
            (kind == kube::ApiErrorKind::not_found && !step.lease.object.empty()))
            return machine_.on_conflict(Clock::now());
        return failed(answer.error());
    }
    auto lease = decode_lease(*answer);
    if (!lease) return failed({kube::ApiErrorKind::malformed, 0, lease.error().to_string()});
    if (!logged_.empty()) log::info("leader election: the API server answers again");
    logged_.clear();
    machine_.on_written(std::move(*lease), began);
}

// Renewals come by the watch, so it is silent for as long as the Lease lasts only if its holder is gone or we are cut off.
void Elector::Impl::follow(TimePoint deadline, const std::stop_token& stop) {
    const std::string target =
        fmt::format("{}?watch=true&allowWatchBookmarks=false&timeoutSeconds={}&fieldSelector=metadata.name%3D{}",
                    leases_, kWatchSeconds, options_.lease_name);
    auto stream = watches_.watch({target}, stop);
    if (!stream) return failed(stream.error());
    while (true) {
        auto line = (*stream)->next_line(until(deadline), stop);
        if (!line) {
            if (line.error().kind == kube::ApiErrorKind::timeout) return;  // the machine's clock says the same
            return failed(line.error());
        }
        if (!line->has_value()) return;
        if ((*line)->empty()) continue;
        if (!on_line(**line)) return;
        const LeaderMachine::Step step = machine_.next(Clock::now(), std::chrono::system_clock::now());
        if (step.what != LeaderMachine::Do::follow) return;
        deadline = step.until;
        tell(false);
    }
}

// False: the watch is of no more use.
bool Elector::Impl::on_line(std::string_view line) {
    auto event = decode_lease_event(line);
    if (!event) {
        failed({kube::ApiErrorKind::malformed, 0, event.error().to_string()});
        return false;
    }
    switch (event->type) {
        case LeaseEvent::Type::changed:
            if (!logged_.empty()) log::info("leader election: the API server answers again");
            logged_.clear();
            machine_.on_lease(std::move(event->lease), Clock::now());
            return true;
        case LeaseEvent::Type::deleted:
            machine_.on_absent(Clock::now());
            return true;
        case LeaseEvent::Type::bookmark:
            return true;
        case LeaseEvent::Type::error:
            failed({kube::kind_of_status(event->error_code), event->error_code, event->error_message});
            return false;
    }
    return false;
}

void Elector::Impl::failed(const kube::ApiError& error) {
    machine_.on_failure(Clock::now());
    if (error.kind == kube::ApiErrorKind::stopped) return;
    std::string state = fmt::format("{} {}", to_string(error.kind), error.status);
    if (state == logged_) return;
    logged_ = std::move(state);
    log::warn("leader election: Lease {}/{}: {}; {}; trying again", options_.ns, options_.lease_name, error.to_string(),
              told_ ? "this controller leads until the renew deadline" : "another may lead meanwhile");
}

void Elector::Impl::sleep(TimePoint deadline, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, stop, deadline, [] { return false; });
}

void Elector::Impl::tell(bool leads) {
    leads_until_ = leads ? machine_.leads_until().time_since_epoch().count() : 0;
    {
        const std::lock_guard lock(mutex_);
        if (!leads && stats_.holder != machine_.holder() && !machine_.holder().empty())
            log::info("leader election: {} leads", machine_.holder());
        stats_.holder = machine_.holder();
        if (leads != told_) ++stats_.transitions;
    }
    if (leads == std::exchange(told_, leads)) return;
    if (leads) {
        log::info("leader election: this controller leads ({})", options_.identity);
    } else {
        log::info("leader election: this controller leads no longer");
    }
    const auto& call = leads ? callbacks_.on_started : callbacks_.on_stopped;
    if (call) call();
}

void Elector::Impl::release() {
    auto lease = machine_.release(Clock::now(), std::chrono::system_clock::now());
    tell(false);
    if (!lease) return;
    const auto stop = give_up_release_.get_token();
    const std::string target = leases_ + "/" + options_.lease_name;
    auto answer = client_.replace(target, encode_lease(*lease, options_.ns, options_.lease_name), stop);
    if (!answer && answer.error().kind == kube::ApiErrorKind::conflict) {
        // A renewal of ours whose answer was cut off by the stop: what counts is whether it is ours still.
        auto now = client_.get(target, stop);
        auto current = now ? decode_lease(*now) : Result<Lease>(Error{"", now.error().to_string()});
        if (!current || current->holder != options_.identity) return;
        lease->resource_version = current->resource_version;
        lease->object = current->object;
        answer = client_.replace(target, encode_lease(*lease, options_.ns, options_.lease_name), stop);
    }
    if (answer) {
        log::info("leader election: the Lease is released");
    } else {
        log::warn("leader election: the Lease could not be released ({}); another leads when it has run out",
                  answer.error().to_string());
    }
}

void Elector::Impl::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kReleaseLimit, [this] { return ended_; });
    }
    give_up_release_.request_stop();
    thread_.join();
}

Elector::Elector(kube::Client& client, kube::Transport& watches, ElectorOptions options, Callbacks callbacks)
    : impl_(std::make_unique<Impl>(client, watches, std::move(options), std::move(callbacks))) {}
Elector::~Elector() = default;
void Elector::start() { impl_->start(); }
void Elector::request_stop() { impl_->request_stop(); }
void Elector::stop() { impl_->stop(); }
bool Elector::is_leader() const { return impl_->is_leader(); }
ElectorStats Elector::stats() const { return impl_->stats(); }

Milliseconds request_limit(const Timing& timing) {
    return std::clamp((timing.lease_duration - timing.renew_deadline) / 2, Milliseconds(100), Milliseconds(5000));
}

std::string unique_identity(const std::string& name) {
    std::random_device random;
    return fmt::format("{}_{:08x}", name, random());
}

}  // namespace steelyard::leader
