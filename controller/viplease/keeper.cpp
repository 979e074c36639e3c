#include "controller/viplease/keeper.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "common/log.hpp"
#include "controller/kube/client.hpp"
#include "controller/viplease/book.hpp"
#include "controller/viplease/follower.hpp"

namespace steelyard::viplease {
namespace {

constexpr int kTries = 4;  // of one write that others come before

// A claim on its way. What is in it belongs to the keeper's mutex.
struct Order {
    push::ClaimOrder order;
    push::ClaimAnswer answer;
    TimePoint deadline;
    std::vector<push::LeaseGrant> grants;
    std::vector<bool> settled;
    size_t left = 0;
    bool answered = false;
};

Ask ask_of(const push::ClaimOrder& order, size_t part) {
    return {order.parts[part].claim, Milliseconds{order.parts[part].duration_ms}, order.node, order.instance, order.id};
}

push::LeaseGrant trouble(uint8_t router_id, std::string problem) {
    return {router_id, false, {}, 0, {}, std::move(problem)};
}

}  // namespace

class Keeper::Impl {
public:
    Impl(kube::Client& client, kube::Transport& watches, const std::string& ns)
        : client_(client),
          ns_(ns),
          leases_("/apis/coordination.k8s.io/v1/namespaces/" + ns + "/leases"),
          follower_(watches, leases_,
                    {[this](std::vector<Record> records) { on_list(std::move(records)); },
                     [this](RecordEvent event) { on_event(std::move(event)); }}) {}

    void use();
    void request_stop();
    void stop();
    void claim(push::ClaimOrder order, push::ClaimAnswer answer);
    void sweep(const std::bitset<256>& used);
    KeeperStats stats() const;

private:
    using OrderPtr = std::shared_ptr<Order>;
    using Job = std::function<void(const std::stop_token&)>;
    enum class Tried : uint8_t { done, again };

    void on_list(std::vector<Record> records);
    void on_event(RecordEvent event);
    void work(const std::stop_token& stop);
    void watch_deadlines(const std::stop_token& stop);
    void serve(const OrderPtr& order, size_t part, const std::stop_token& stop);
    Tried attempt(const OrderPtr& order, size_t part, const std::stop_token& stop);
    bool read(uint8_t router_id, kube::ApiError& error, const std::stop_token& stop);
    void settle(const OrderPtr& order, size_t part, push::LeaseGrant grant);
    void settle_locked(Order& order, size_t part, push::LeaseGrant grant);
    void fail(const OrderPtr& order, size_t part, const kube::ApiError& error);
    void remove(const Record& record, const std::stop_token& stop);
    bool wanted(const Order& order) const { return !order.answered && !order.order.claimant.expired(); }
    std::string target(uint8_t router_id) const { return leases_ + "/" + name_of(router_id); }

    kube::Client& client_;
    const std::string ns_;
    const std::string leases_;

    mutable std::mutex mutex_;  // guards what follows; never held during a request or an answer
    std::condition_variable_any changed_;
    Book book_;
    bool started_ = false;
    bool listed_ = false;
    bool stopped_ = false;
    std::deque<Job> jobs_;
    std::deque<OrderPtr> orders_;  // by deadline; answered ones are passed over
    std::string logged_;           // the failure that was logged last; "" while all is well
    KeeperStats stats_;

    Follower follower_;
    std::array<kube::WorkThread, kWorkers> workers_;
    kube::WorkThread deadlines_;
};

void Keeper::Impl::use() {
    const std::lock_guard lock(mutex_);
    if (stopped_ || std::exchange(started_, true)) return;
    follower_.start();
    for (auto& worker : workers_) worker.start([this](const std::stop_token& stop) { work(stop); });
    deadlines_.start([this](const std::stop_token& stop) { watch_deadlines(stop); });
}

void Keeper::Impl::request_stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    follower_.request_stop();
    for (auto& worker : workers_) worker.request_stop();
    deadlines_.request_stop();
}

void Keeper::Impl::stop() {
    request_stop();
    follower_.stop();
    for (auto& worker : workers_) worker.stop();
    deadlines_.stop();
}

void Keeper::Impl::on_list(std::vector<Record> records) {
    const std::lock_guard lock(mutex_);
    book_.on_list(std::move(records), Clock::now());
    listed_ = true;
}

void Keeper::Impl::on_event(RecordEvent event) {
    const std::lock_guard lock(mutex_);
    if (event.type == RecordEvent::Type::deleted) {
        book_.on_deleted(event.record, Clock::now());
    } else {
        book_.on_record(std::move(event.record), Clock::now());
    }
}

void Keeper::Impl::claim(push::ClaimOrder claimed, push::ClaimAnswer answer) {
    use();
    const auto order = std::make_shared<Order>();
    order->order = std::move(claimed);
    order->answer = std::move(answer);
    order->deadline = Clock::now() + kAnswerWithin;
    const size_t parts = order->left = order->order.parts.size();
    order->settled.resize(parts);
    for (const auto& part : order->order.parts)
        order->grants.push_back(trouble(part.claim.router_id, "the API server has not answered in time"));
    bool at_once = false;
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        for (size_t part = 0; part < parts; ++part) {
            if (listed_) {
                auto decision =
                    book_.decide(ask_of(order->order, part), Clock::now(), std::chrono::system_clock::now());
                if (decision.what == Book::Decision::What::answer) {
                    settle_locked(*order, part, std::move(decision.grant));
                    continue;
                }
            }
            if (jobs_.size() >= kMaxQueued) {
                settle_locked(*order, part, trouble(order->order.parts[part].claim.router_id, "too many claims wait"));
                continue;
            }
            jobs_.push_back([this, order, part](const std::stop_token& stop) { serve(order, part, stop); });
        }
        at_once = order->answered = order->left == 0;
        if (!at_once) orders_.push_back(order);
        changed_.notify_all();
    }
    if (at_once) order->answer(std::move(order->grants));  // nobody else has it
}

void Keeper::Impl::work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, stop, [this] { return !jobs_.empty(); })) return;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        job(stop);
    }
}

void Keeper::Impl::watch_deadlines(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        while (!orders_.empty() && orders_.front()->answered) orders_.pop_front();
        if (orders_.empty()) {
            changed_.wait(lock, stop, [this] { return !orders_.empty(); });
            continue;
        }
        const OrderPtr order = orders_.front();
        if (Clock::now() < order->deadline) {
            changed_.wait_until(lock, stop, order->deadline, [&] { return order->answered; });
            continue;
        }
        orders_.pop_front();
        order->answered = true;
        for (size_t part = 0; part < order->settled.size(); ++part) {
            if (!order->settled[part]) ++stats_.claims["problem"];
        }
        lock.unlock();
        order->answer(order->grants);  // a copy: a worker may still be about to look at it
        lock.lock();
    }
}

void Keeper::Impl::serve(const OrderPtr& order, size_t part, const std::stop_token& stop) {
    for (int i = 0; i < kTries; ++i) {
        if (attempt(order, part, stop) == Tried::done) return;
    }
    settle(order, part,
           trouble(order->order.parts[part].claim.router_id, "others write the Lease all the time; it is tried again"));
}

// One write, and what is to be read for it. The answer of a write that came too late is kept for the next claim.
Keeper::Impl::Tried Keeper::Impl::attempt(const OrderPtr& order, size_t part, const std::stop_token& stop) {
    const uint8_t router_id = order->order.parts[part].claim.router_id;
    kube::ApiError error;
    bool listed = false;
    {
        const std::lock_guard lock(mutex_);
        if (!wanted(*order)) return Tried::done;
        listed = listed_;
    }
    if (!listed && !read(router_id, error, stop)) return fail(order, part, error), Tried::done;
    Book::Decision decision;
    {
        const std::lock_guard lock(mutex_);
        if (!wanted(*order)) return Tried::done;
        decision = book_.decide(ask_of(order->order, part), Clock::now(), std::chrono::system_clock::now());
    }
    if (decision.what == Book::Decision::What::answer)
        return settle(order, part, std::move(decision.grant)), Tried::done;
    const std::string body = encode_record(decision.record, ns_);
    auto answer = decision.what == Book::Decision::What::create ? client_.create(leases_, body, stop)
                                                                : client_.replace(target(router_id), body, stop);
    if (answer) {
        auto written = decode_record(*answer);
        if (!written)
            return fail(order, part, {kube::ApiErrorKind::malformed, 0, written.error().to_string()}), Tried::done;
        const std::lock_guard lock(mutex_);
        ++stats_.writes["ok"];
        if (!std::exchange(logged_, {}).empty()) log::info("virtual IPs: Leases can be written again");
        book_.on_record(std::move(*written), Clock::now());
    } else if (answer.error().kind == kube::ApiErrorKind::conflict ||
               answer.error().kind == kube::ApiErrorKind::not_found) {
        {
            const std::lock_guard lock(mutex_);
            ++stats_.writes["conflict"];
        }
        if (!read(router_id, error, stop)) return fail(order, part, error), Tried::done;
        return Tried::again;
    } else {
        const std::lock_guard lock(mutex_);
        ++stats_.writes["error"];
        error = answer.error();
    }
    if (!answer) return fail(order, part, error), Tried::done;
    settle(order, part, std::move(decision.grant));
    return Tried::done;
}

bool Keeper::Impl::read(uint8_t router_id, kube::ApiError& error, const std::stop_token& stop) {
    auto answer = client_.get(target(router_id), stop);
    if (!answer && answer.error().kind != kube::ApiErrorKind::not_found) {
        error = answer.error();
        return false;
    }
    auto record = answer ? decode_record(*answer) : Result<Record>(Record{});
    if (!record) {
        error = {kube::ApiErrorKind::malformed, 0, record.error().to_string()};
        return false;
    }
    const std::lock_guard lock(mutex_);
    if (answer) {
        book_.on_record(std::move(*record), Clock::now());
    } else {
        book_.on_absent(router_id, Clock::now());
    }
    return true;
}

void Keeper::Impl::fail(const OrderPtr& order, size_t part, const kube::ApiError& error) {
    if (error.kind == kube::ApiErrorKind::stopped) return;
    const uint8_t router_id = order->order.parts[part].claim.router_id;
    {
        const std::lock_guard lock(mutex_);
        std::string state{to_string(error.kind)};
        if (state != logged_) {
            log::warn("virtual IPs: Lease {}/{}: {}; edges hold what they hold until their Leases end", ns_,
                      name_of(router_id), error.to_string());
        }
        logged_ = std::move(state);
    }
    settle(order, part, trouble(router_id, "the API server: " + error.to_string()));
}

void Keeper::Impl::settle_locked(Order& order, size_t part, push::LeaseGrant grant) {
    const bool hold = order.order.parts[part].claim.action == push::LeaseAction::hold;
    const char* refused_or_given = hold ? "refused" : "given";
    ++stats_.claims[!grant.problem.empty() ? "problem" : grant.held ? "held" : refused_or_given];
    order.grants[part] = std::move(grant);
    order.settled[part] = true;
    --order.left;
}

void Keeper::Impl::settle(const OrderPtr& order, size_t part, push::LeaseGrant grant) {
    std::vector<push::LeaseGrant> grants;
    {
        const std::lock_guard lock(mutex_);
        if (order->answered) return;
        settle_locked(*order, part, std::move(grant));
        if (order->left != 0) return;
        order->answered = true;
        grants = std::move(order->grants);
        changed_.notify_all();
    }
    order->answer(std::move(grants));
}

void Keeper::Impl::sweep(const std::bitset<256>& used) {
    const std::lock_guard lock(mutex_);
    if (stopped_ || !listed_) return;
    for (Record& record : book_.left_over(used, Clock::now())) {
        if (jobs_.size() >= kMaxQueued) return;
        jobs_.push_back([this, gone = std::move(record)](const std::stop_token& stop) { remove(gone, stop); });
    }
    changed_.notify_all();
}

// If it still is what was judged.
void Keeper::Impl::remove(const Record& record, const std::stop_token& stop) {
    const std::string options = R"({"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"resourceVersion":")" +
                                record.lease.resource_version + R"("}})";
    if (!client_.remove(target(record.router_id), options, stop)) return;  // the next sweep finds it again
    log::info("virtual IPs: Lease {}/{} is deleted: no Service has the virtual router any more", ns_,
              name_of(record.router_id));
    const std::lock_guard lock(mutex_);
    book_.on_absent(record.router_id, Clock::now());
}

KeeperStats Keeper::Impl::stats() const {
    const std::lock_guard lock(mutex_);
    KeeperStats out = stats_;
    out.held = book_.held(Clock::now());
    return out;
}

Keeper::Keeper(kube::Client& client, kube::Transport& watches, std::string ns)
    : impl_(std::make_unique<Impl>(client, watches, ns)) {}
Keeper::~Keeper() { stop(); }
void Keeper::use() { impl_->use(); }
void Keeper::request_stop() { impl_->request_stop(); }
void Keeper::stop() { impl_->stop(); }
void Keeper::claim(push::ClaimOrder order, push::ClaimAnswer answer) {
    impl_->claim(std::move(order), std::move(answer));
}
void Keeper::sweep(const std::bitset<256>& used) { impl_->sweep(used); }
KeeperStats Keeper::stats() const { return impl_->stats(); }

}  // namespace steelyard::viplease
