#include "controller/push/token_authenticator.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/tls/certificate.hpp"

namespace steelyard::push {
namespace {

using Done = std::function<void(Verdict)>;
constexpr const char* kTarget = "/apis/authentication.k8s.io/v1/tokenreviews";

int64_t system_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Refusal busy() { return {"unavailable", "too many connections wait for their tokens to be reviewed"}; }

}  // namespace

class TokenAuthenticator::Core {
public:
    Core(TokenAuthenticatorOptions options, kube::Client& client) : options_(std::move(options)), client_(client) {
        if (!options_.now) options_.now = system_now;
        for (unsigned i = 0; i < options_.threads; ++i) {
            threads_.emplace_back([this](const std::stop_token& token) { work(token); });
        }
    }
    ~Core() { stop(); }

    void authenticate(const Peer& peer, Done done);
    void stop();
    TokenAuthenticatorStats stats() const {
        const std::lock_guard lock{mutex_};
        TokenAuthenticatorStats out = stats_;
        out.waiting = waiting_;
        return out;
    }

private:
    struct Job {
        std::string token;  // dropped as soon as it is reviewed
        std::string hash;
        int64_t expires;
    };
    struct Cached {
        Verdict verdict;
        TimePoint until;
    };

    void work(const std::stop_token& stop);
    Verdict review(const Job& job, const std::stop_token& stop);
    void keep(const Job& job, const Verdict& verdict);  // under the mutex

    TokenAuthenticatorOptions options_;
    kube::Client& client_;
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    bool stopped_ = false;
    size_t waiting_ = 0;
    std::deque<Job> jobs_;
    std::unordered_map<std::string, std::vector<Done>> callers_;  // by hash: those who wait for a job
    std::unordered_map<std::string, Cached> cache_;
    TokenAuthenticatorStats stats_;
    std::vector<std::jthread> threads_;
};

void TokenAuthenticator::Core::authenticate(const Peer& peer, Done done) {
    auto token = bearer_token(peer.authorization);
    if (!token) return done(Refusal{"unauthorized", "no bearer token, or none that can be one"});
    const auto claims = claims_of(*token, options_.rules.audience);
    if (!claims) return done(Refusal{"unauthorized", "the token is not a service account's: it has no expiry"});
    if (claims->expires <= options_.now()) return done(Refusal{"unauthorized", "the token has expired"});
    if (!claims->for_audience) {
        return done(Refusal{"forbidden", "the token is not for audience " + options_.rules.audience});
    }
    Job job{std::move(*token), {}, claims->expires};
    job.hash = tls::sha256(job.token);
    std::unique_lock lock{mutex_};
    if (const auto it = cache_.find(job.hash); it != cache_.end() && Clock::now() < it->second.until) {
        ++stats_.cached;
        const Verdict verdict = it->second.verdict;
        lock.unlock();
        return done(verdict);
    }
    if (stopped_ || waiting_ >= options_.max_waiting) {
        lock.unlock();
        return done(busy());
    }
    ++waiting_;
    auto& callers = callers_[job.hash];
    callers.push_back(std::move(done));
    if (callers.size() > 1) return;
    jobs_.push_back(std::move(job));
    lock.unlock();
    wake_.notify_one();
}

void TokenAuthenticator::Core::work(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    for (;;) {
        if (!wake_.wait(lock, stop, [this] { return !jobs_.empty(); })) return;
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        const Verdict verdict = review(job, stop);
        lock.lock();
        keep(job, verdict);
        const auto node = callers_.extract(job.hash);
        const auto callers = node.empty() ? std::vector<Done>{} : std::move(node.mapped());
        waiting_ -= callers.size();
        lock.unlock();
        for (const auto& done : callers) done(verdict);
        lock.lock();
    }
}

Verdict TokenAuthenticator::Core::review(const Job& job, const std::stop_token& stop) {
    const auto answer = client_.create(kTarget, review_request(job.token, options_.rules.audience), stop);
    if (answer) return verdict_of(*answer, options_.rules, job.expires);
    return Refusal{"unavailable", "the API server did not review the token: " + answer.error().to_string()};
}

void TokenAuthenticator::Core::keep(const Job& job, const Verdict& verdict) {
    ++stats_.reviews;
    const auto* refusal = std::get_if<Refusal>(&verdict);
    if (refusal != nullptr && refusal->code == "unavailable") {
        ++stats_.failed_reviews;
        return;
    }
    const TimePoint now = Clock::now();
    if (cache_.size() >= options_.max_cached) {
        std::erase_if(cache_, [&](const auto& entry) { return entry.second.until <= now; });
        if (cache_.size() >= options_.max_cached) cache_.clear();
    }
    Duration keep_for = refusal == nullptr ? options_.keep_good : options_.keep_refused;
    keep_for = std::min<Duration>(keep_for, std::chrono::seconds{std::max<int64_t>(0, job.expires - options_.now())});
    cache_[job.hash] = {verdict, now + keep_for};
}

void TokenAuthenticator::Core::stop() {
    std::unordered_map<std::string, std::vector<Done>> left;
    {
        const std::lock_guard lock{mutex_};
        if (std::exchange(stopped_, true)) return;
    }
    for (auto& thread : threads_) thread.request_stop();
    for (auto& thread : threads_) thread.join();
    {
        const std::lock_guard lock{mutex_};
        left.swap(callers_);
        jobs_.clear();
        waiting_ = 0;
    }
    for (const auto& [hash, callers] : left) {
        for (const auto& done : callers) done(Refusal{"unavailable", "the controller is stopping"});
    }
}

TokenAuthenticator::TokenAuthenticator(TokenAuthenticatorOptions options, kube::Client& client)
    : core_(std::make_unique<Core>(std::move(options), client)) {}
TokenAuthenticator::~TokenAuthenticator() = default;
void TokenAuthenticator::authenticate(const Peer& peer, std::function<void(Verdict)> done) {
    core_->authenticate(peer, std::move(done));
}
void TokenAuthenticator::stop() { core_->stop(); }
TokenAuthenticatorStats TokenAuthenticator::stats() const { return core_->stats(); }

}  // namespace steelyard::push
