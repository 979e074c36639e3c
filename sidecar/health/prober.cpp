#include "sidecar/health/prober.hpp"

#include <random>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "common/log.hpp"
#include "sidecar/health/probe.hpp"

namespace steelyard::health {

namespace {

struct Group;

struct Watched {
    Group& group;
    std::string id;
    asio::ip::tcp::endpoint endpoint;
    HealthMachine machine;
    std::shared_ptr<Probe> probe;  // until its verdict
};

// One upstream.
struct Group {
    std::string upstream;
    std::shared_ptr<const config::HealthCheck> check;
    std::string preface;
    std::unordered_map<std::string, std::unique_ptr<Watched>> watched;
    ProberStats stats;
};

}  // namespace

class Prober::Impl {
public:
    Impl(asio::io_context& io, OnTransition on_transition, Options options)
        : io_(io), timer_(io), on_transition_(std::move(on_transition)), options_(options), random_(options.seed) {
        if (options_.max_in_flight == 0) options_.max_in_flight = 1;
    }
    ~Impl() { stop(); }

    void set_targets(const std::string& upstream, std::vector<Target> targets, const config::HealthCheck& check,
                     const std::string& preface);
    void remove(const std::string& upstream);
    void stop();

    const Watched* find(const std::string& upstream, const std::string& id) const;
    std::map<std::string, ProberStats> stats() const;
    size_t open_connections() const { return open_.size(); }

private:
    void schedule(Watched& watched) { schedule_.emplace(watched.machine.next_probe(), &watched); }
    void drop(Watched& watched);
    void abandon(Watched& watched);
    void pump();
    void wait_until(TimePoint due);
    void probe(Watched& watched);
    void on_verdict(Watched& watched, TimePoint started, Probe::Verdict verdict, const std::string& reason);
    void warn_of_shortage(const Watched& watched, const std::string& reason, TimePoint now);

    asio::io_context& io_;
    asio::steady_timer timer_;
    OnTransition on_transition_;
    Options options_;
    std::mt19937_64 random_;
    std::map<std::string, std::unique_ptr<Group>> groups_;
    std::set<std::pair<TimePoint, Watched*>> schedule_;  // those not being probed
    std::unordered_set<std::shared_ptr<Probe>> open_;    // also those that have their verdict and close
    TimePoint next_warning_;
    bool stopped_ = false;
    // Handlers that are queued hold a weak one and see by it that this object is gone.
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

void Prober::Impl::set_targets(const std::string& upstream, std::vector<Target> targets,
                               const config::HealthCheck& check, const std::string& preface) {
    if (stopped_) return;
    auto& group = groups_[upstream];
    if (!group)
        group = std::make_unique<Group>(
            Group{.upstream = upstream, .check = nullptr, .preface = {}, .watched = {}, .stats = {}});
    const bool changed = !group->check || *group->check != check || group->preface != preface;
    group->preface = preface;
    if (changed) group->check = std::make_shared<const config::HealthCheck>(check);

    const TimePoint now = Clock::now();
    decltype(group->watched) before = std::move(group->watched);
    group->watched.clear();
    for (Target& target : targets) {
        if (group->watched.contains(target.id)) continue;
        auto& place = group->watched[target.id];
        const auto old = before.find(target.id);
        const bool stays = old != before.end() && old->second->endpoint == target.endpoint;
        if (stays && !changed) {
            place = std::move(old->second);
            before.erase(old);
            continue;
        }
        const auto carried = stays ? old->second->machine.state() : HealthMachine::State::unknown;
        place = std::make_unique<Watched>(Watched{.group = *group,
                                                  .id = std::move(target.id),
                                                  .endpoint = target.endpoint,
                                                  .machine = HealthMachine(check, now, random_(), carried),
                                                  .probe = nullptr});
        schedule(*place);
    }
    for (auto& [id, gone] : before) drop(*gone);
    pump();
}

void Prober::Impl::remove(const std::string& upstream) {
    const auto found = groups_.find(upstream);
    if (found == groups_.end()) return;
    for (auto& [id, watched] : found->second->watched) drop(*watched);
    groups_.erase(found);
    pump();
}

void Prober::Impl::stop() {
    stopped_ = true;
    alive_.reset();
    for (const auto& probe : open_) probe->cancel();
    open_.clear();
    schedule_.clear();
    groups_.clear();
    error_code ignored;
    timer_.cancel(ignored);
}

void Prober::Impl::drop(Watched& watched) {
    if (watched.probe) {
        abandon(watched);
    } else {
        schedule_.erase({watched.machine.next_probe(), &watched});
    }
}

void Prober::Impl::abandon(Watched& watched) {
    watched.probe->cancel();
    open_.erase(watched.probe);
    watched.probe.reset();
    --watched.group.stats.in_flight;
}

const Watched* Prober::Impl::find(const std::string& upstream, const std::string& id) const {
    const auto group = groups_.find(upstream);
    if (group == groups_.end()) return nullptr;
    const auto watched = group->second->watched.find(id);
    return watched == group->second->watched.end() ? nullptr : watched->second.get();
}

std::map<std::string, ProberStats> Prober::Impl::stats() const {
    std::map<std::string, ProberStats> result;
    for (const auto& [upstream, group] : groups_) result.emplace(upstream, group->stats);
    return result;
}

// Starts what is due while there is room, then waits for what is due next. Without room, a probe that closes calls again.
void Prober::Impl::pump() {
    const TimePoint now = Clock::now();
    while (!stopped_ && !schedule_.empty() && open_.size() < options_.max_in_flight) {
        const auto [due, watched] = *schedule_.begin();
        if (due > now) return wait_until(due);
        schedule_.erase(schedule_.begin());
        probe(*watched);
    }
}

void Prober::Impl::wait_until(TimePoint due) {
    timer_.expires_at(due);  // ends the wait before
    timer_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const error_code& error) {
        if (!error && !alive.expired()) pump();
    });
}

void Prober::Impl::probe(Watched& watched) {
    Group& group = watched.group;
    const TimePoint started = Clock::now();
    const auto probe = std::make_shared<Probe>(io_, group.check, group.preface);
    ++group.stats.in_flight;
    watched.probe = probe;
    open_.insert(probe);
    auto on_verdict = [this, &watched, started](Probe::Verdict verdict, const std::string& reason) {
        this->on_verdict(watched, started, verdict, reason);
    };
    auto on_closed = [this, key = std::weak_ptr<Probe>(probe)] {
        open_.erase(key.lock());
        pump();
    };
    probe->start(watched.endpoint, {.on_verdict = std::move(on_verdict), .on_closed = std::move(on_closed)});
}

void Prober::Impl::on_verdict(Watched& watched, TimePoint started, Probe::Verdict verdict, const std::string& reason) {
    Group& group = watched.group;
    const ProbeResult result{.ok = verdict == Probe::Verdict::ok, .started = started, .ended = Clock::now()};
    const auto before = watched.machine.state();
    std::optional<HealthMachine::State> transition;
    --group.stats.in_flight;
    watched.probe.reset();
    if (verdict == Probe::Verdict::inconclusive) {
        ++group.stats.inconclusive;
        watched.machine.on_nothing(result, random_());
        warn_of_shortage(watched, reason, result.ended);
    } else {
        ++(result.ok ? group.stats.ok : group.stats.failed);
        transition = watched.machine.on_result(result, random_());
    }
    schedule(watched);
    pump();
    if (!transition) return;
    ++(*transition == HealthMachine::State::down ? group.stats.went_down : group.stats.went_up);
    if (*transition == HealthMachine::State::down) {
        log::warn("upstream {}: {} is down: {}", group.upstream, watched.id, reason);
    } else if (before == HealthMachine::State::down) {
        log::info("upstream {}: {} is up", group.upstream, watched.id);
    } else {
        log::debug("upstream {}: {} is up", group.upstream, watched.id);  // each one once at the start: no news
    }
    // Last, on copies: what is called may remove the target, the upstream or all.
    const std::string upstream = group.upstream;
    const std::string id = watched.id;
    if (on_transition_) on_transition_(upstream, id, *transition);
}

void Prober::Impl::warn_of_shortage(const Watched& watched, const std::string& reason, TimePoint now) {
    if (now < next_warning_) return;
    next_warning_ = now + std::chrono::seconds(10);
    log::warn("upstream {}: {} could not be probed: {}; it stays {}, like all that this happens to",
              watched.group.upstream, watched.id, reason, to_string(watched.machine.state()));
}

Prober::Prober(asio::io_context& io, OnTransition on_transition, Options options)
    : impl_(std::make_unique<Impl>(io, std::move(on_transition), options)) {}

Prober::~Prober() = default;

void Prober::set_targets(const std::string& upstream, std::vector<Target> targets, const config::HealthCheck& check,
                         const std::string& preface) {
    impl_->set_targets(upstream, std::move(targets), check, preface);
}

void Prober::remove(const std::string& upstream) { impl_->remove(upstream); }

HealthMachine::State Prober::state(const std::string& upstream, const std::string& id) const {
    const Watched* watched = impl_->find(upstream, id);
    return watched ? watched->machine.state() : HealthMachine::State::unknown;
}

std::map<std::string, ProberStats> Prober::stats() const { return impl_->stats(); }

size_t Prober::open_connections() const { return impl_->open_connections(); }

void Prober::stop() { impl_->stop(); }

}  // namespace steelyard::health
