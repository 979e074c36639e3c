#include "sidecar/app.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include "common/admin/server.hpp"
#include "common/log.hpp"
#include "common/metrics/builder.hpp"
#include "common/net/asio.hpp"
#include "sidecar/access_log/access_log.hpp"
#include "sidecar/active_health.hpp"
#include "sidecar/admin_pages.hpp"
#include "sidecar/config/state_file.hpp"
#include "sidecar/edge_role.hpp"
#include "sidecar/metrics/collector.hpp"
#include "sidecar/reactor/doorbell.hpp"

namespace steelyard {
namespace {

constexpr std::chrono::seconds kHousekeeping{30};
constexpr Milliseconds kLeastHousekeeping{500};
constexpr Milliseconds kDrainPoll{20};
constexpr Milliseconds kEdgeConnectTimeout{2000};

}  // namespace

class SidecarApp::Impl {
public:
    explicit Impl(SidecarOptions options)
        : options_(std::move(options)),
          runtime_(runtime_options(), state_),
          health_(io_, runtime_, [this] { refresh_edge(); }) {}

    Result<void> start();
    void run();

private:
    Result<void> restore();
    Result<void> load_file();
    config::ClientOptions client_options() const;
    Runtime::Options runtime_options();
    void start_client();
    void start_admin_pages();
    void add_probe_pages(admin::Server& server);
    Result<void> start_admin();
    void on_change(const config::ChangeSet& changes);
    std::string not_ready() const;
    Result<void> start_access_log();
    Result<void> wait_for_workers();
    void on_rung();
    void wait_for_reopen();
    void wait_for_signal();
    void set_draining();
    void begin_drain();
    void end_drain();
    void start_edge();
    void refresh_edge();
    void keep_house();

    SidecarOptions options_;
    asio::io_context io_{1};
    config::ConfigState state_;
    std::unique_ptr<access_log::AccessLog> access_log_;  // workers write to it while they live
    Doorbell doorbell_;                                  // workers ring it while they live
    Runtime runtime_;
    ActiveHealth health_;
    admin::Server admin_{io_};
    admin::Server probes_{io_};  // --metrics-listen: what others than this pod may see
    std::unique_ptr<config::StateWriter> writer_;
    std::unique_ptr<config::ConfigClient> client_;
    std::unique_ptr<EdgeRole> edge_;  // of role edge
    std::unique_ptr<SidecarCollector> collector_;
    asio::posix::stream_descriptor rung_{io_};
    asio::signal_set signals_{io_};
    asio::signal_set reopen_{io_};
    asio::steady_timer drain_timer_{io_};
    asio::steady_timer housekeeping_{io_};
    TimePoint drain_deadline_;
    bool draining_ = false;
    bool listening_ = true;
};

Runtime::Options SidecarApp::Impl::runtime_options() {
    Runtime::Options runtime{options_.workers, options_.worker, options_.listeners};
    runtime.capture.port = options_.capture_port;
    runtime.capture.idle_timeout = options_.capture_idle_timeout;
    runtime.place = {options_.node, options_.zone};
    runtime.worker.kept_descriptors = {doorbell_.descriptor()};
    runtime.capture.post = [this](std::function<void()> task) { doorbell_.post(std::move(task)); };
    return runtime;
}

Result<void> SidecarApp::Impl::start() {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    wait_for_signal();
    reopen_.add(SIGUSR1);
    wait_for_reopen();
    if (auto waiting = wait_for_workers(); !waiting) return waiting;
    if (options_.controller) {
        if (auto checked = config::ConfigClient::check(client_options()); !checked) return checked;
    }
    if (auto restored = options_.config_file.empty() ? restore() : load_file(); !restored) return restored;
    if (auto opened = start_access_log(); !opened) return opened;
    if (auto started = runtime_.start(); !started) return started;
    if (!state_.version().empty()) runtime_.apply(state_.everything());
    start_edge();
    start_client();
    start_admin_pages();
    if (auto started = start_admin(); !started) return started;
    keep_house();
    log::info("{} of role {} with {} workers", options_.name, push::to_string(options_.role), options_.workers);
    return {};
}

Result<void> SidecarApp::Impl::start_access_log() {
    if (!options_.access_log) return {};
    auto opened = access_log::AccessLog::open(*options_.access_log, options_.workers);
    if (!opened) return opened.error();
    access_log_ = std::move(*opened);
    for (size_t i = 0; i < runtime_.workers().size(); ++i) {
        runtime_.workers()[i]->set_access_log(access_log_->worker(i));
    }
    return {};
}

Result<void> SidecarApp::Impl::wait_for_workers() {
    error_code error;
    rung_.assign(dup(doorbell_.descriptor()), error);
    if (error) return Error{"the workers' doorbell", error.message()};
    on_rung();
    return {};
}

void SidecarApp::Impl::on_rung() {
    rung_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
        if (error) return;
        doorbell_.answer();
        on_rung();
    });
}

// SIGUSR1, as nginx has it: after logrotate has moved the file away. Without a file to open anew it does nothing.
void SidecarApp::Impl::wait_for_reopen() {
    reopen_.async_wait([this](const error_code& error, int) {
        if (error) return;
        if (access_log_) access_log_->reopen();
        wait_for_reopen();
    });
}

// The last good configuration, so that traffic flows before, and without, a controller.
Result<void> SidecarApp::Impl::restore() {
    if (options_.state_dir.empty()) return {};
    auto writer = config::StateWriter::open(options_.state_dir);
    if (!writer) return Error{"--state-dir", writer.error().to_string()};
    writer_ = std::move(*writer);
    auto restored = config::load_state_file(writer_->path());
    if (!restored) {
        log::error("{}; starting without it", restored.error().to_string());
        return {};
    }
    if (!restored->has_value()) return {};
    const std::string version = (*restored)->snapshot.version;
    const auto outcome = state_.apply(std::move((*restored)->snapshot));
    if (!outcome.applied) {
        log::error("{}: {}; starting without it", writer_->path(), outcome.problems.first().to_string());
        return {};
    }
    state_.set_subscription((*restored)->subscription);
    log::info("restored version {} from {}", version, writer_->path());
    return {};
}

Result<void> SidecarApp::Impl::load_file() {
    auto snapshot = config::load_config_file(options_.config_file);
    if (!snapshot) return snapshot.error();
    const auto outcome = state_.apply(std::move(*snapshot));
    if (!outcome.applied) return Error{options_.config_file, outcome.problems.first().to_string()};
    return {};
}

config::ClientOptions SidecarApp::Impl::client_options() const {
    config::ClientOptions client;
    client.url = *options_.controller;
    client.name = options_.name;
    client.role = options_.role;
    // A lease does not wait for a controller that is gone: the next one is asked.
    if (options_.role == push::Role::edge) client.connect_timeout = kEdgeConnectTimeout;
    client.node = options_.node;
    client.zone = options_.zone;
    client.ca_file = options_.controller_ca_file;
    client.ca_pem = options_.controller_ca_pem;
    client.token_file = options_.token_file;
    if (!options_.state_dir.empty()) client.trust_file = options_.state_dir + "/trust.pem";
    for (const auto& listener : options_.listeners) client.wants.push_back(listener.upstream);
    // What the application will connect to is not known in advance.
    if (options_.role == push::Role::edge || options_.capture_port != 0) client.wants = {"*"};
    return client;
}

void SidecarApp::Impl::start_client() {
    if (!options_.controller) return;
    client_ =
        std::make_unique<config::ConfigClient>(io_, client_options(), state_, [this](const auto& c) { on_change(c); });
    client_->on_applied([this] {
        if (writer_) writer_->save(state_.image());
    });
    client_->on_refused([this](const std::vector<push::RefusedWant>& refused) {
        std::map<std::string, std::string> problems;
        for (const auto& want : refused) problems.emplace(want.name, want.problem);
        runtime_.set_refused(std::move(problems));
    });
    if (edge_) edge_->join(*client_);
    client_->start();
}

void SidecarApp::Impl::start_edge() {
    if (options_.role != push::Role::edge) return;
    edge_ = std::make_unique<EdgeRole>(io_, edge::AgentOptions{options_.node, options_.vip_config, options_.vip_state},
                                       state_, runtime_);
    edge_->start();
}

void SidecarApp::Impl::refresh_edge() {
    if (edge_) edge_->refresh();
}

void SidecarApp::Impl::start_admin_pages() {
    collector_ = std::make_unique<SidecarCollector>(
        SidecarCollector::Sources{runtime_, state_, health_.prober(), client_.get(), writer_.get(), draining_,
                                  options_.workers * options_.worker.max_sessions, access_log_.get(),
                                  edge_ ? &edge_->agent() : nullptr},
        options_.metrics_series_limit);
    add_probe_pages(admin_);
    add_probe_pages(probes_);
    admin_.handle("GET", "/config", [this] { return admin::Response{200, "application/json", config_page(state_)}; });
    admin_.handle("GET", "/upstreams", [this] {
        return admin::Response{
            200, "application/json",
            upstreams_page(runtime_, client_ ? client_->stats().refused : std::vector<push::RefusedWant>{})};
    });
    if (edge_) {
        admin_.handle("GET", "/virtual-ips", [this] {
            return admin::Response{200, "application/json", virtual_ips_page(edge_->agent())};
        });
    }
    admin_.handle("POST", "/drain", [this] {
        // Not ready and telling clients to go; the process stays until its SIGTERM.
        if (!draining_) log::info("draining: told so over the admin listener");
        set_draining();
        runtime_.drain();
        return admin::Response{202, "text/plain; charset=utf-8", "draining\n"};
    });
}

void SidecarApp::Impl::add_probe_pages(admin::Server& server) {
    server.handle("GET", "/healthz", [] { return admin::Response{200, "text/plain; charset=utf-8", "ok\n"}; });
    server.handle("GET", "/readyz", [this]() -> admin::Response {
        const std::string why = not_ready();
        if (why.empty()) return {200, "text/plain; charset=utf-8", "ready\n"};
        return {503, "text/plain; charset=utf-8", "not ready: " + why + "\n"};
    });
    server.handle("GET", "/metrics", [this] {
        return admin::Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics::to_text(*collector_)};
    });
}

Result<void> SidecarApp::Impl::start_admin() {
    if (auto started = admin_.start(options_.admin_ip, options_.admin_port); !started) return started;
    if (options_.metrics_ip.empty()) return {};
    return probes_.start(options_.metrics_ip, options_.metrics_port);
}

std::string SidecarApp::Impl::not_ready() const {
    if (draining_) return "draining";
    if (state_.version().empty() && options_.config_file.empty()) return "no configuration yet";
    return "";
}

void SidecarApp::Impl::on_change(const config::ChangeSet& changes) {
    runtime_.apply(changes);
    refresh_edge();
}

void SidecarApp::Impl::wait_for_signal() {
    signals_.async_wait([this](const error_code& error, int) {
        if (error) return;
        if (listening_ && drain_deadline_ == TimePoint{}) {
            begin_drain();
        } else {
            log::warn("second signal: ending at once");
            drain_deadline_ = Clock::now();
        }
        wait_for_signal();
    });
}

void SidecarApp::Impl::set_draining() {
    draining_ = true;
    if (edge_) edge_->set_draining();
}

void SidecarApp::Impl::begin_drain() {
    log::info("draining: {} connections open", runtime_.sessions());
    set_draining();
    drain_deadline_ = Clock::now() + options_.drain_delay + options_.drain_timeout;
    runtime_.drain();
    drain_timer_.expires_after(options_.drain_delay);
    drain_timer_.async_wait([this](const error_code& error) {
        if (!error) end_drain();
    });
}

// Polls: workers share nothing with this thread but their counters.
void SidecarApp::Impl::end_drain() {
    if (std::exchange(listening_, false)) runtime_.close_listeners();
    const bool late = Clock::now() >= drain_deadline_;
    if (runtime_.sessions() != 0 && !late) {
        drain_timer_.expires_after(kDrainPoll);
        drain_timer_.async_wait([this](const error_code& error) {
            if (!error) end_drain();
        });
        return;
    }
    if (late) log::warn("drain time-out: cutting {} connections", runtime_.sessions());
    runtime_.abort();
    runtime_.stop();
    if (access_log_) access_log_->stop();
    if (client_) client_->stop();
    health_.stop();
    admin_.stop();
    probes_.stop();
    housekeeping_.cancel();
    if (edge_) edge_->stop();
    signals_.cancel();
    reopen_.cancel();
    rung_.close();
    if (writer_) writer_->stop();
    log::info("ended");
    io_.stop();
}

void SidecarApp::Impl::keep_house() {
    const Milliseconds quarter = options_.capture_idle_timeout / 4;
    housekeeping_.expires_after(std::clamp<Milliseconds>(quarter, kLeastHousekeeping, kHousekeeping));
    housekeeping_.async_wait([this](const error_code& error) {
        if (error) return;
        runtime_.sweep(Clock::now());
        keep_house();
    });
}

void SidecarApp::Impl::run() { io_.run(); }

SidecarApp::SidecarApp(SidecarOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
SidecarApp::~SidecarApp() = default;
Result<void> SidecarApp::start() { return impl_->start(); }
void SidecarApp::run() { impl_->run(); }

}  // namespace steelyard
