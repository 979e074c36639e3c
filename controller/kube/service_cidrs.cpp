#include "controller/kube/service_cidrs.hpp"

#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <stop_token>
#include <thread>

#include "common/json/read.hpp"
#include "common/log.hpp"
#include "controller/kube/backoff.hpp"

namespace steelyard::kube {
namespace {

using nlohmann::json;

constexpr const char* kTarget = "/apis/networking.k8s.io/v1/servicecidrs?limit=500";
constexpr std::chrono::minutes kEvery{10};

}  // namespace

Result<std::vector<std::string>> decode_service_cidrs(std::string_view text) {
    const json list = parse_json(text);
    const json* items = member(list, "items");
    if (items == nullptr || !items->is_array()) return Error{"ServiceCIDRList", "the answer is no list"};
    std::set<std::string> out;
    for (const json& item : *items) {
        for (const json& cidr : list_of(object_of(item, "spec"), "cidrs")) {
            if (cidr.is_string()) out.insert(cidr.get<std::string>());
        }
    }
    return std::vector<std::string>(out.begin(), out.end());
}

class ServiceCidrs::Impl {
public:
    explicit Impl(Client& client) : client_(client) {}

    void run(const std::stop_token& stop) {
        Backoff backoff(Milliseconds(1000), std::chrono::minutes(5),
                        [engine = std::mt19937_64(std::random_device{}())]() mutable {
                            return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
                        });
        while (!stop.stop_requested()) {
            const bool good = ask(stop);
            if (good) backoff.reset();
            const Milliseconds wait = good ? Milliseconds(kEvery) : backoff.next() + Milliseconds(200);
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, stop, wait, [] { return false; });
        }
    }

    std::vector<std::string> current() const {
        const std::lock_guard lock(mutex_);
        return cidrs_;
    }

    std::jthread thread_;

private:
    bool ask(const std::stop_token& stop) {
        const auto answer = client_.get(kTarget, stop);
        if (!answer) {
            if (answer.error().kind == ApiErrorKind::stopped) return false;
            say(answer.error().to_string() + (answer.error().kind == ApiErrorKind::not_found
                                                  ? " (ServiceCIDRs are there from Kubernetes 1.33 on)"
                                                  : ""));
            return false;
        }
        auto cidrs = decode_service_cidrs(*answer);
        if (!cidrs) {
            say(cidrs.error().to_string());
            return false;
        }
        said_.clear();
        const std::lock_guard lock(mutex_);
        if (*cidrs == cidrs_) return true;
        cidrs_ = std::move(*cidrs);
        log::info("ClusterIPs are from {}", fmt::join(cidrs_, ", "));
        return true;
    }

    void say(const std::string& problem) {
        if (problem == std::exchange(said_, problem)) return;
        log::warn("ServiceCIDRs: {}; {}; asking again", problem,
                  current().empty() ? "pods are injected with capture only where the configuration gives serviceCIDRs"
                                    : "the last that were known stay in force");
    }

    Client& client_;
    std::string said_;  // the thread's own
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<std::string> cidrs_;
};

ServiceCidrs::ServiceCidrs(Client& client) : impl_(std::make_unique<Impl>(client)) {}
ServiceCidrs::~ServiceCidrs() { stop(); }
void ServiceCidrs::start() {
    impl_->thread_ = std::jthread([this](const std::stop_token& stop) { impl_->run(stop); });
}
void ServiceCidrs::request_stop() { impl_->thread_.request_stop(); }
void ServiceCidrs::stop() {
    if (!impl_->thread_.joinable()) return;
    impl_->thread_.request_stop();
    impl_->thread_.join();
}
std::vector<std::string> ServiceCidrs::current() const { return impl_->current(); }

}  // namespace steelyard::kube
