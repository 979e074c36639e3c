#include "controller/app.hpp"

#include <utility>

#include "common/admin/server.hpp"
#include "common/log.hpp"
#include "common/metrics/builder.hpp"
#include "common/net/asio.hpp"
#include "controller/admin/collector.hpp"
#include "controller/admin/pages.hpp"
#include "controller/kube/kube_source.hpp"
#include "controller/manifests/manifest_source.hpp"
#include "controller/pipeline.hpp"

namespace steelyard {
namespace {

constexpr size_t kPods = 2;  // in KubeSource::stats()
// How long Pods may take to be listed before Services are pushed without their weights; a refusal is not waited for.
constexpr std::chrono::seconds kPodsPatience{5};
constexpr Milliseconds kReadyPoll{100};

push::ServerOptions push_options(const ControllerOptions& options) {
    push::ServerOptions result;
    result.address = options.push_ip;
    result.port = options.push_port;
    return result;
}

bool is_loopback(const std::string& ip) {
    error_code error;
    const auto address = asio::ip::make_address(ip, error);
    return !error && address.is_loopback();
}

}  // namespace

class ControllerApp::Impl {
public:
    explicit Impl(ControllerOptions options)
        : options_(std::move(options)),
          server_(io_, push_options(options_), cache_),
          inbox_([this] { asio::post(io_, [this] { pipeline_.run(); }); }),
          pipeline_({.allow_loopback = !options_.manifests.empty()}, inbox_, server_,
                    [this](const store::ClusterState& state) { return enough(state); }) {}
    ~Impl() { stop_sources(); }

    Result<void> start();
    void run() { io_.run(); }

private:
    Result<void> open_source();
    Result<void> start_source();
    void start_admin_pages();
    bool enough(const store::ClusterState& state) const;
    void poll_until_ready();
    void stop_sources();
    void stop();

    ControllerOptions options_;
    asio::io_context io_{1};
    push::PushCache cache_{push::PushCache::random_epoch()};
    push::PushServer server_;
    store::Inbox inbox_;
    Pipeline pipeline_;
    std::unique_ptr<kube::KubeSource> kube_;
    std::unique_ptr<manifests::ManifestSource> manifests_;
    std::unique_ptr<ControllerCollector> collector_;
    admin::Server admin_{io_};
    asio::signal_set signals_{io_};
    asio::steady_timer ready_timer_{io_};
    TimePoint started_ = Clock::now();
};

Result<void> ControllerApp::Impl::start() {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.async_wait([this](const error_code& error, int) {
        if (!error) stop();
    });
    if (!is_loopback(options_.push_ip)) {
        log::warn("--push-listen {}: the push protocol is not encrypted yet; keep it on a trusted network",
                  options_.push_ip);
    }
    if (auto opened = open_source(); !opened) return opened;
    if (auto started = server_.start(); !started) return started;
    if (auto started = start_source(); !started) return started;
    start_admin_pages();
    if (auto started = admin_.start(options_.admin_ip, options_.admin_port); !started) return started;
    poll_until_ready();
    return {};
}

// What can be wrong with flags and files is said before anything is opened.
Result<void> ControllerApp::Impl::open_source() {
    if (!options_.manifests.empty()) {
        manifests_ = std::make_unique<manifests::ManifestSource>(
            manifests::SourceOptions{.directory = options_.manifests},
            manifests::Sinks{inbox_.services(), inbox_.slices(), inbox_.pods()});
        return {};
    }
    auto config = kube::load_config(options_.kubeconfig);
    if (!config) return config.error();
    auto source = kube::KubeSource::make(*config, inbox_.services(), inbox_.slices(), inbox_.pods());
    if (!source) return source.error();
    kube_ = std::move(*source);
    log::info("watching {} ({})", config->server, config->source);
    return {};
}

Result<void> ControllerApp::Impl::start_source() {
    if (manifests_) return manifests_->start();
    kube_->start();
    return {};
}

bool ControllerApp::Impl::enough(const store::ClusterState& state) const {
    if (state.synced()) return true;
    if (!kube_ || !state.synced(store::Kind::service) || !state.synced(store::Kind::endpoint_slice)) return false;
    const auto pods = kube_->stats()[kPods];
    return !pods.last_error.empty() || Clock::now() - started_ > kPodsPatience;
}

// A kind that will not be listed soon wakes nobody: asked for now and then until the first push.
void ControllerApp::Impl::poll_until_ready() {
    if (pipeline_.ready()) return;
    ready_timer_.expires_after(kReadyPoll);
    ready_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        pipeline_.run();
        poll_until_ready();
    });
}

void ControllerApp::Impl::start_admin_pages() {
    collector_ = std::make_unique<ControllerCollector>(
        ControllerCollector::Sources{pipeline_, server_, kube_.get(), manifests_.get()}, options_.metrics_series_limit);
    admin_.handle("GET", "/healthz", [] { return admin::Response{200, "text/plain; charset=utf-8", "ok\n"}; });
    admin_.handle("GET", "/readyz", [this]() -> admin::Response {
        if (pipeline_.ready()) return {200, "text/plain; charset=utf-8", "ready\n"};
        std::string why = "not ready: the first lists are not in";
        if (kube_) {
            for (const auto& kind : kube_->stats()) {
                if (!kind.synced)
                    why += "\n" + kind.kind + ": " + (kind.last_error.empty() ? "being listed" : kind.last_error);
            }
        }
        return {503, "text/plain; charset=utf-8", why + "\n"};
    });
    admin_.handle("GET", "/metrics", [this] {
        return admin::Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics::to_text(*collector_)};
    });
    admin_.handle("GET", "/proxies", [this] {
        return admin::Response{200, "application/json", proxies_page(server_.stats())};
    });
    admin_.handle("GET", "/problems", [this] {
        return admin::Response{200, "application/json", problems_page(pipeline_.problems())};
    });
}

void ControllerApp::Impl::stop_sources() {
    if (kube_) kube_->stop();
    if (manifests_) manifests_->stop();
}

void ControllerApp::Impl::stop() {
    log::info("ending");
    stop_sources();
    ready_timer_.cancel();
    server_.stop();
    admin_.stop();
    // Proxies are told in an orderly close; those that do not answer it are not waited for.
    ready_timer_.expires_after(std::chrono::seconds(1));
    ready_timer_.async_wait([this](const error_code&) { io_.stop(); });
}

ControllerApp::ControllerApp(ControllerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
ControllerApp::~ControllerApp() = default;
Result<void> ControllerApp::start() { return impl_->start(); }
void ControllerApp::run() { impl_->run(); }

}  // namespace steelyard
