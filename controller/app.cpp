#include "controller/app.hpp"

#include <optional>
#include <utility>

#include "common/admin/server.hpp"
#include "common/log.hpp"
#include "common/metrics/builder.hpp"
#include "common/net/asio.hpp"
#include "controller/admin/collector.hpp"
#include "controller/admin/pages.hpp"
#include "controller/cluster.hpp"
#include "controller/first_lists.hpp"
#include "controller/inject/service.hpp"
#include "controller/kube/kube_source.hpp"
#include "controller/loadbalancer/manager.hpp"
#include "controller/manifests/manifest_source.hpp"
#include "controller/pipeline.hpp"
#include "controller/problem_events.hpp"
#include "controller/security.hpp"

namespace steelyard {
namespace {

constexpr Milliseconds kReadyPoll{100};
constexpr std::chrono::seconds kLeaseSweep{10};

bool is_loopback(const std::string& ip) {
    error_code error;
    const auto address = asio::ip::make_address(ip, error);
    return !error && address.is_loopback();
}

}  // namespace

class ControllerApp::Impl {
public:
    explicit Impl(ControllerOptions options)
        : options_(std::move(options)), inbox_([this] { asio::post(io_, [this] { pipeline_->run(); }); }) {}
    ~Impl() { end(); }

    Result<void> start();
    void run() {
        io_.run();
        end();
    }

private:
    Result<void> open_source();
    void make_parts();
    void make_balancers(const std::function<bool()>& is_leader);
    void make_webhook();
    Result<void> listen();
    void start_admin_pages();
    admin::Response readiness() const;
    void poll_until_ready();
    void sweep_leases();
    void on_leadership(bool leads);
    void on_policy(const kube::LoadBalancingPolicy& policy, const translate::PolicyStatus& status);
    void stop();
    void end();

    ControllerOptions options_;
    asio::io_context io_{1};
    push::PushCache cache_{push::PushCache::random_epoch()};
    store::Inbox inbox_;
    // Made by start(), once it is known what is to be had; null: not with these options.
    std::unique_ptr<kube::KubeSource> kube_;
    FirstLists first_lists_;
    std::unique_ptr<manifests::ManifestSource> manifests_;
    std::unique_ptr<Cluster> cluster_;
    std::optional<Security> security_;
    std::optional<push::PushServer> server_;
    std::optional<ProblemEvents> events_;
    std::optional<loadbalancer::Manager> balancers_;
    std::optional<Pipeline> pipeline_;
    std::unique_ptr<inject::InjectService> webhook_;
    std::unique_ptr<ControllerCollector> collector_;
    admin::Server admin_{io_};
    asio::signal_set signals_{io_};
    asio::steady_timer ready_timer_{io_};
    asio::steady_timer sweep_timer_{io_};
    asio::steady_timer survey_timer_{io_};
};

Result<void> ControllerApp::Impl::start() {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.async_wait([this](const error_code& error, int) {
        if (!error) stop();
    });
    if (options_.security.tls == PushTls::none && !is_loopback(options_.push_ip)) {
        log::warn(
            "--push-listen {}: the push protocol is not encrypted (--push-tls none); keep it on a trusted network",
            options_.push_ip);
    }
    if (auto opened = open_source(); !opened) return opened;
    make_parts();
    if (auto listening = listen(); !listening) return listening;
    if (cluster_) {
        balancers_->start();
        cluster_->start();
        sweep_leases();
    }
    security_->start();
    if (kube_) kube_->start();
    poll_until_ready();
    return {};
}

// What can be wrong with flags and files is said before anything is opened.
Result<void> ControllerApp::Impl::open_source() {
    if (!options_.manifests.empty()) {
        manifests_ = std::make_unique<manifests::ManifestSource>(
            manifests::SourceOptions{.directory = options_.manifests}, inbox_.handlers());
        return {};
    }
    auto config = kube::load_config(options_.kubeconfig);
    if (!config) return config.error();
    auto source = kube::KubeSource::make(*config, inbox_.handlers(), {.nodes = options_.watch_nodes});
    if (!source) return source.error();
    kube_ = std::move(*source);
    first_lists_.follow(*kube_);
    auto cluster = Cluster::make(*config, options_, [this](bool leads) { on_leadership(leads); });
    if (!cluster) return cluster.error();
    cluster_ = std::move(*cluster);
    log::info("watching {} ({})", config->server, config->source);
    return {};
}

void ControllerApp::Impl::make_parts() {
    const auto is_leader = [this] { return !cluster_ || cluster_->is_leader(); };
    security_.emplace(options_, cluster_ ? &cluster_->client() : nullptr,
                      Security::Hooks{is_leader, [this](const std::string& pem) { server_->set_trust(pem); }});
    push::ServerOptions push;
    push.address = options_.push_ip;
    push.port = options_.push_port;
    push.tls = security_->identity();
    push.authenticator = security_->authenticator();
    push.on_report = [this](const std::string& proxy, const push::Report& report) {
        if (balancers_ && pipeline_->state() != nullptr) balancers_->on_report(*pipeline_->state(), proxy, report);
    };
    if (cluster_) {
        push.on_claim = [this](push::ClaimOrder order, push::ClaimAnswer answer) {
            cluster_->leases().claim(std::move(order), std::move(answer));
        };
    }
    server_.emplace(io_, std::move(push), cache_);
    Pipeline::Hooks hooks;
    if (cluster_) {
        events_.emplace(cluster_->events(), is_leader,
                        [this](const auto& service) { return pipeline_->uid_of(service); });
        hooks.on_policy = [this](const auto& policy, const auto& status) { on_policy(policy, status); };
        hooks.on_problem = [this](const auto& service, const auto& problem) { events_->tell(service, problem); };
        hooks.on_batch = [this](const auto& state, const auto& changes) { balancers_->update(state, changes); };
        make_balancers(is_leader);
    }
    pipeline_.emplace(
        translate::Options{.allow_loopback = manifests_ != nullptr,
                           .edge_transparent = options_.edge_transparent,
                           .leases = manifests_ == nullptr},
        inbox_, *server_, [this](const store::ClusterState& state) { return first_lists_.enough(state); },
        std::move(hooks));
    if (options_.webhook.enabled) make_webhook();
}

void ControllerApp::Impl::make_balancers(const std::function<bool()>& is_leader) {
    balancers_.emplace(
        loadbalancer::Manager::Parts{cluster_->client(), cluster_->statuses(), cluster_->events(), is_leader,
                                     [this](std::function<void()> job) { asio::post(io_, std::move(job)); },
                                     [this](Milliseconds wait, std::function<void()> job) {
                                         survey_timer_.expires_after(wait);
                                         survey_timer_.async_wait([job = std::move(job)](const error_code& error) {
                                             if (!error) job();
                                         });
                                     },
                                     [this] {
                                         if (const auto* state = pipeline_->state()) balancers_->update(*state, {});
                                     },
                                     options_.default_load_balancer_class});
}

void ControllerApp::Impl::make_webhook() {
    inject::ServiceOptions webhook;
    webhook.ip = options_.webhook.ip;
    webhook.port = options_.webhook.port;
    webhook.config_file = options_.webhook.inject_config;
    webhook.tls = [identity = security_->identity()] { return identity->current(); };
    webhook.ca_pem = [this] { return security_->bundle(); };
    webhook.service_cidrs = [this] { return cluster_->service_cidrs(); };
    // Each replica tells what it was asked about: another never hears of it.
    webhook.event = [this](const inject::InjectEvent& event) {
        cluster_->events().record({{event.api_version, event.kind, event.ns, event.name, event.uid},
                                   events::Severity::warning,
                                   event.reason,
                                   event.note,
                                   "Inject"});
    };
    webhook_ = std::make_unique<inject::InjectService>(std::move(webhook));
}

// All ports, before anything else begins: a port that is taken ends the program with nothing to undo.
Result<void> ControllerApp::Impl::listen() {
    if (auto started = server_->start(); !started) return started;
    if (webhook_) {
        if (auto started = webhook_->start(); !started) return started;
    }
    start_admin_pages();
    if (auto started = admin_.start(options_.admin_ip, options_.admin_port); !started) return started;
    return manifests_ ? manifests_->start() : Result<void>();
}

// On the elector's thread.
void ControllerApp::Impl::on_leadership(bool leads) {
    security_->leadership_changed();
    asio::post(io_, [this, leads] {
        balancers_->leadership_changed(leads);
        if (!leads) return;
        events_->tell_all(pipeline_->problems());
        pipeline_->each_policy([this](const auto& policy, const auto& status) { on_policy(policy, status); });
    });
}

void ControllerApp::Impl::on_policy(const kube::LoadBalancingPolicy& policy, const translate::PolicyStatus& status) {
    cluster_->statuses().offer(policy, status.conditions);
    events_->tell(policy, status);
}

// A kind that will not be listed soon wakes nobody: asked for now and then until the first push.
void ControllerApp::Impl::poll_until_ready() {
    if (pipeline_->ready()) return;
    ready_timer_.expires_after(kReadyPoll);
    ready_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        pipeline_->run();
        poll_until_ready();
    });
}

// Those of virtual routers that no Service has any more.
void ControllerApp::Impl::sweep_leases() {
    sweep_timer_.expires_after(kLeaseSweep);
    sweep_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        const auto used = cache_.leased_routers();
        if (used.any()) cluster_->leases().use();
        if (pipeline_->ready() && cluster_->is_leader()) cluster_->leases().sweep(used);
        sweep_leases();
    });
}

void ControllerApp::Impl::start_admin_pages() {
    collector_ = std::make_unique<ControllerCollector>(
        ControllerCollector::Sources{*pipeline_, *server_, kube_.get(), manifests_.get(), cluster_.get(), &*security_,
                                     webhook_.get(), balancers_ ? &*balancers_ : nullptr},
        options_.metrics_series_limit);
    admin_.handle("GET", "/healthz", [] { return admin::Response{200, "text/plain; charset=utf-8", "ok\n"}; });
    admin_.handle("GET", "/readyz", [this] { return readiness(); });
    admin_.handle("GET", "/metrics", [this] {
        return admin::Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics::to_text(*collector_)};
    });
    admin_.handle("GET", "/proxies", [this] {
        return admin::Response{200, "application/json", proxies_page(server_->stats())};
    });
    admin_.handle("GET", "/problems", [this] {
        return admin::Response{200, "application/json", problems_page(pipeline_->problems(), pipeline_->policies())};
    });
}

admin::Response ControllerApp::Impl::readiness() const {
    const bool certified = security_->ready();
    if (pipeline_->ready() && certified) return {200, "text/plain; charset=utf-8", "ready\n"};
    std::string why = "not ready:";
    if (!pipeline_->ready()) why += " the first lists are not in";
    if (kube_) {
        for (const auto& kind : kube_->stats()) {
            if (!kind.synced)
                why += "\n" + kind.kind + ": " + (kind.last_error.empty() ? "being listed" : kind.last_error);
        }
    }
    if (!certified) {
        const auto certificates = *security_->certificates();
        why += "\nTLS: " + (certificates.last_error.empty() ? "no certificate yet" : certificates.last_error);
    }
    return {503, "text/plain; charset=utf-8", why + "\n"};
}

void ControllerApp::Impl::stop() {
    log::info("ending");
    if (cluster_) cluster_->request_stop();
    if (balancers_) balancers_->request_stop();
    if (kube_) kube_->stop();
    if (manifests_) manifests_->stop();
    ready_timer_.cancel();
    sweep_timer_.cancel();
    survey_timer_.cancel();
    server_->stop();
    admin_.stop();
    // Proxies are told in an orderly close; those that do not answer it are not waited for.
    ready_timer_.expires_after(std::chrono::seconds(1));
    ready_timer_.async_wait([this](const error_code&) { io_.stop(); });
}

// Joins every thread, those that use another before it.
void ControllerApp::Impl::end() {
    if (kube_) kube_->stop();
    if (manifests_) manifests_->stop();
    if (cluster_) cluster_->request_stop();
    if (balancers_) balancers_->stop();
    if (webhook_) webhook_->stop();
    if (security_) security_->stop();
    if (cluster_) cluster_->stop();
}

ControllerApp::ControllerApp(ControllerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
ControllerApp::~ControllerApp() = default;
Result<void> ControllerApp::start() { return impl_->start(); }
void ControllerApp::run() { impl_->run(); }

}  // namespace steelyard
