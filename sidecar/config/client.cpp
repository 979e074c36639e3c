// What the client says and does, and when it tries again. No Beast here: link_ws.cpp has it.
#include "sidecar/config/client.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <random>

#include "common/config/validate.hpp"
#include "common/log.hpp"
#include "common/net/asio.hpp"
#include "common/push/codec.hpp"
#include "sidecar/config/backoff.hpp"
#include "sidecar/config/link.hpp"
#include "sidecar/config/trust.hpp"

namespace steelyard::config {
namespace {

constexpr auto kRepeatLogAfter = std::chrono::seconds{30};
constexpr size_t kMaxRefusedInLog = 10;

int64_t unix_ms() {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string random_instance(std::mt19937_64& random) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(random()));
    return text.data();
}

push::Hello hello_of(const ClientOptions& options) {
    push::Hello hello;
    hello.name = options.name;
    hello.instance = options.instance.empty() ? "0" : options.instance;
    hello.role = options.role;
    hello.node = options.node;
    hello.zone = options.zone;
    hello.wants = options.wants;
    hello.features = {std::string(push::kVirtualIpFeature)};
    if (options.role == push::Role::edge) hello.features.emplace_back(push::kVirtualIpLeaseFeature);
    return hello;
}

// As long as the controller takes: what does not fit is left out.
std::string encode_bounded(push::Report report) {
    if (report.upstreams.size() > push::kMaxReported) report.upstreams.resize(push::kMaxReported);
    std::string text = push::encode(report);
    while (text.size() > push::kMaxFrameToController) {
        // What is longer, so that it ends.
        if (report.upstreams.size() >= report.virtual_ips.size()) {
            report.upstreams.resize(report.upstreams.size() / 2);
        } else {
            report.virtual_ips.resize(report.virtual_ips.size() / 2);
        }
        text = push::encode(report);
    }
    return text;
}

}  // namespace

class ConfigClient::Core : public std::enable_shared_from_this<ConfigClient::Core> {
public:
    Core(asio::io_context& io, ClientOptions options, ConfigState& state, OnChange on_change)
        : io_(io),
          options_(std::move(options)),
          subscription_(subscription_of(options_)),
          state_(state),
          on_change_(std::move(on_change)),
          trust_({options_.ca_file, options_.ca_pem, options_.trust_file}),
          retry_(io),
          random_(std::random_device{}()),
          backoff_(options_.backoff_base, options_.backoff_cap) {
        if (options_.instance.empty()) options_.instance = random_instance(random_);
        stats_.version = state_.version();
    }

    void on_applied(std::function<void()> callback) { on_applied_ = std::move(callback); }
    void on_grant(std::function<void(const push::Grant&)> callback) { on_grant_ = std::move(callback); }
    void on_refused(std::function<void(const std::vector<push::RefusedWant>&)> callback) {
        on_refused_ = std::move(callback);
    }
    void on_session(std::function<void(bool)> callback) { on_session_ = std::move(callback); }
    bool claim(const push::Claim& claim);
    void reconnect(const std::string& why);
    void start();
    void stop();
    void report(push::Report report);
    ClientStats stats() const;

private:
    void connect();
    void on_open();
    void on_message(std::string_view text);
    void on_closed(const std::string& why);
    void on(push::Snapshot&& snapshot);
    void on(push::Delta&& delta);
    void on(push::Trust&& trust);
    void on(push::Refused&& refused);
    void on(push::Grant&& grant);
    void on(push::ErrorMessage&& error);
    Result<LinkOptions> link_options() const;
    void retry();
    void finish(const std::string& version, bool snapshot, ConfigState::Outcome outcome);
    void nack(const std::string& version, const Problems& problems);
    void note_failure(const std::string& why);

    template <class F>
    void with_stats(F change) {
        const std::lock_guard lock{mutex_};
        change(stats_);
    }

    asio::io_context& io_;
    ClientOptions options_;
    const std::string subscription_;
    ConfigState& state_;
    OnChange on_change_;
    std::function<void()> on_applied_;
    std::function<void(const std::vector<push::RefusedWant>&)> on_refused_;
    std::function<void(const push::Grant&)> on_grant_;
    std::function<void(bool)> on_session_;
    TrustStore trust_;
    asio::steady_timer retry_;
    std::mt19937_64 random_;
    Backoff backoff_;
    std::shared_ptr<Link> link_;  // the present attempt; events of older ones are not heard
    bool open_ = false;
    bool in_sync_ = false;  // what this connection brings was applied
    bool stopped_ = false;
    std::optional<push::Report> report_;
    std::string refusal_;  // the controller's last words on this connection
    std::string logged_;   // the last failure that was logged, and when
    TimePoint logged_at_{};
    TimePoint frame_began_{};

    mutable std::mutex mutex_;  // guards what follows: written on the io_context's thread, read from any
    ClientStats stats_;
    TimePoint fresh_until_ = Clock::now();  // when the configuration was last known to be current
};

void ConfigClient::Core::start() {
    const auto& wants = options_.wants;
    const bool everything = std::find(wants.begin(), wants.end(), "*") != wants.end();
    log::info("configuration from {} as {} ({}), wants {}{}", options_.url.to_string(), options_.name,
              push::to_string(options_.role), everything ? "everything" : std::to_string(wants.size()) + " upstreams",
              state_.version().empty() ? std::string{} : ", serving version " + state_.version() + " meanwhile");
    connect();
}

void ConfigClient::Core::connect() {
    refusal_.clear();
    auto link_options = this->link_options();
    if (!link_options) {
        note_failure(link_options.error().to_string());
        with_stats([&](ClientStats& s) { s.last_error = link_options.error().to_string(); });
        return retry();
    }
    link_ = make_link(io_, std::move(*link_options));
    const std::weak_ptr<Core> weak = weak_from_this();
    const Link* const link = link_.get();
    const auto current = [weak, link]() -> std::shared_ptr<Core> {
        auto self = weak.lock();
        return self && self->link_.get() == link ? self : nullptr;
    };
    link_->start({[current] {
                      if (const auto self = current()) self->on_open();
                  },
                  [current](std::string_view text) {
                      if (const auto self = current()) self->on_message(text);
                  },
                  [current](const std::string& why) {
                      if (const auto self = current()) self->on_closed(why);
                  }});
}

// Files are read for each attempt: they are replaced while the proxy runs.
Result<LinkOptions> ConfigClient::Core::link_options() const {
    LinkOptions link{options_.url, options_.max_frame, options_.connect_timeout, options_.idle_timeout, nullptr, {}};
    if (options_.url.tls) {
        auto context = trust_.context();
        if (!context) return context.error();
        link.tls = std::move(*context);
    }
    if (!options_.token_file.empty()) {
        auto token = read_token(options_.token_file);
        if (!token) return token.error();
        link.token = std::move(*token);
    }
    return link;
}

void ConfigClient::Core::on_open() {
    open_ = true;
    push::Hello hello = hello_of(options_);
    if (state_.subscription() == subscription_) hello.version = state_.version();
    with_stats([](ClientStats& s) {
        s.connected = true;
        ++s.connects;
    });
    link_->send(push::encode(hello));
    if (report_) link_->send_latest(encode_bounded(*report_));
}

void ConfigClient::Core::on_message(std::string_view text) {
    frame_began_ = Clock::now();
    with_stats([&](ClientStats& s) { s.bytes += text.size(); });
    auto decoded = push::decode_from_controller(text);
    if (const auto* failure = std::get_if<push::DecodeFailure>(&decoded)) {
        if (failure->refusable) return nack(failure->version, failure->problems);
        refusal_ = "a frame that is no message: " + failure->problems.first().to_string();
        return link_->close();
    }
    std::visit([this](auto& message) { on(std::move(message)); }, std::get<push::FromController>(decoded));
}

void ConfigClient::Core::on(push::Snapshot&& snapshot) {
    const std::string version = snapshot.version;
    finish(version, true, state_.apply(std::move(snapshot)));
}

void ConfigClient::Core::on(push::Delta&& delta) {
    const std::string version = delta.version;
    finish(version, false, state_.apply(std::move(delta)));
}

void ConfigClient::Core::finish(const std::string& version, bool snapshot, ConfigState::Outcome outcome) {
    if (!outcome.applied) return nack(version, outcome.problems);
    state_.set_subscription(subscription_);
    backoff_.reset();
    if (!logged_.empty()) {
        log::info("the controller is back: version {} is in force", version);
        logged_.clear();
    }
    if (!outcome.changes.empty() && on_change_) on_change_(outcome.changes);
    if (on_applied_) on_applied_();
    with_stats([&](ClientStats& s) {
        s.in_sync = true;
        s.version = version;
        s.last_error.clear();
        ++(snapshot ? s.snapshots : s.deltas);
        if (!outcome.changes.empty()) s.last_change_unix_ms = unix_ms();
        s.last_apply_seconds = std::chrono::duration<double>(Clock::now() - frame_began_).count();
    });
    if (open_) link_->send(push::encode(push::Ack{version}));
    if (open_ && !std::exchange(in_sync_, true) && on_session_) on_session_(true);
}

void ConfigClient::Core::nack(const std::string& version, const Problems& problems) {
    log::warn("version {} is refused, version '{}' stays in force: {}", version, state_.version(),
              problems.first().to_string());
    with_stats([](ClientStats& s) { ++s.nacks; });
    link_->send(push::encode(push::Nack{version, problems.errors()}));
}

void ConfigClient::Core::on(push::Trust&& trust) {
    // Without TLS nobody knows who says so.
    if (!options_.url.tls) return;
    const auto learned = trust_.learn(trust.ca);
    if (!learned) {
        log::warn("the controller told of CAs that cannot be used: {}; those known before stay trusted",
                  learned.error().to_string());
    } else if (*learned) {
        log::info("the controller told which CAs to trust from now on");
        with_stats([](ClientStats& s) { ++s.trust_updates; });
    }
}

void ConfigClient::Core::on(push::Grant&& grant) {
    if (on_grant_) on_grant_(grant);
}

void ConfigClient::Core::on(push::Refused&& refused) {
    const size_t shown_count = std::min(refused.wants.size(), kMaxRefusedInLog);
    for (size_t i = 0; i < shown_count; ++i) {
        log::warn("upstream {} is refused by the controller: {}", refused.wants[i].name,
                  shown(refused.wants[i].problem, 400));
    }
    if (refused.wants.size() > shown_count) {
        log::warn("{} more upstreams are refused by the controller", refused.wants.size() - shown_count);
    }
    if (refused.wants.empty()) log::info("no upstream is refused by the controller any more");
    if (on_refused_) on_refused_(refused.wants);
    with_stats([&](ClientStats& s) { s.refused = std::move(refused.wants); });
}

void ConfigClient::Core::on(push::ErrorMessage&& error) {
    refusal_ = "the controller ended the session (" + shown(error.code) + "): " + shown(error.problem, 400);
    if (error.code != "name_in_use") return;
    with_stats([](ClientStats& s) { ++s.name_in_use; });
}

void ConfigClient::Core::on_closed(const std::string& why) {
    const bool was_open = std::exchange(open_, false);
    link_.reset();
    if (std::exchange(in_sync_, false) && on_session_) on_session_(false);
    note_failure(refusal_.empty() ? why : refusal_);
    with_stats([&](ClientStats& s) {
        if (std::exchange(s.in_sync, false)) fresh_until_ = Clock::now();
        s.connected = false;
        if (was_open) ++s.disconnects;
        s.last_error = refusal_.empty() ? why : refusal_;
    });
    retry();
}

void ConfigClient::Core::retry() {
    if (stopped_) return;
    retry_.expires_after(backoff_.next(random_()));
    retry_.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled && !self->stopped_) self->connect();
    });
}

// The same failure again and again is logged once in a while.
void ConfigClient::Core::note_failure(const std::string& why) {
    const auto now = Clock::now();
    if (stopped_ || (why == logged_ && now - logged_at_ < kRepeatLogAfter)) return;
    logged_ = why;
    logged_at_ = now;
    log::warn("controller {}: {}; {}, trying again", options_.url.to_string(), why,
              state_.version().empty() ? std::string("nothing is configured yet")
                                       : "version " + state_.version() + " stays in force");
}

void ConfigClient::Core::stop() {
    if (std::exchange(stopped_, true)) return;
    retry_.cancel();
    if (link_) link_->close();
}

void ConfigClient::Core::report(push::Report report) {
    report_ = std::move(report);
    if (open_) link_->send_latest(encode_bounded(*report_));
}

bool ConfigClient::Core::claim(const push::Claim& claim) {
    if (!in_sync_) return false;
    link_->send(push::encode(claim));
    return true;
}

void ConfigClient::Core::reconnect(const std::string& why) {
    if (!open_) return;
    refusal_ = why;
    link_->close();
}

ClientStats ConfigClient::Core::stats() const {
    const std::lock_guard lock{mutex_};
    ClientStats out = stats_;
    if (!out.in_sync) out.config_age_seconds = std::chrono::duration<double>(Clock::now() - fresh_until_).count();
    return out;
}

ConfigClient::ConfigClient(asio::io_context& io, ClientOptions options, ConfigState& state, OnChange on_change)
    : core_(std::make_shared<Core>(io, std::move(options), state, std::move(on_change))) {}

ConfigClient::~ConfigClient() { core_->stop(); }

void ConfigClient::on_applied(std::function<void()> callback) { core_->on_applied(std::move(callback)); }
void ConfigClient::on_grant(std::function<void(const push::Grant&)> callback) { core_->on_grant(std::move(callback)); }
void ConfigClient::on_refused(std::function<void(const std::vector<push::RefusedWant>&)> callback) {
    core_->on_refused(std::move(callback));
}
void ConfigClient::on_session(std::function<void(bool)> callback) { core_->on_session(std::move(callback)); }
bool ConfigClient::claim(const push::Claim& claim) { return core_->claim(claim); }
void ConfigClient::reconnect(const std::string& why) { core_->reconnect(why); }
void ConfigClient::start() { core_->start(); }
void ConfigClient::stop() { core_->stop(); }
void ConfigClient::report(push::Report report) { core_->report(std::move(report)); }
ClientStats ConfigClient::stats() const { return core_->stats(); }

std::string ConfigClient::subscription_of(const ClientOptions& options) {
    std::vector<std::string> wants = options.wants;
    std::sort(wants.begin(), wants.end());
    uint64_t hash = 14695981039346656037ull;
    for (const auto& want : wants) {
        for (const char c : want + '\n') hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    }
    // What was got without a feature lacks what comes with it.
    std::string features;
    for (const auto& feature : hello_of(options).features) features += "/" + feature;
    return std::string(push::to_string(options.role)) + "/" + std::to_string(wants.size()) + "/" +
           std::to_string(hash) + features;
}

Result<void> ConfigClient::check(const ClientOptions& options) {
    const auto decoded = push::decode_from_proxy(push::encode(hello_of(options)));
    if (const auto* failure = std::get_if<push::DecodeFailure>(&decoded)) return failure->problems.first();
    if (push::encode(hello_of(options)).size() > push::kMaxFrameToController) {
        return Error{"wants", "the names of all upstreams together are more than " +
                                  std::to_string(push::kMaxFrameToController) + " bytes"};
    }
    return {};
}

}  // namespace steelyard::config
