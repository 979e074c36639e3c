#include "controller/certs/manager.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include "common/json/read.hpp"
#include "common/log.hpp"
#include "common/tls/client_context.hpp"
#include "controller/certs/files.hpp"
#include "controller/certs/publisher.hpp"
#include "controller/certs/secret.hpp"

namespace steelyard::certs {
namespace {

using kube::ApiErrorKind;
using nlohmann::json;

constexpr Milliseconds kImpatient{250};  // while there is nothing to serve with, and after a lost race

int64_t system_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string date(int64_t seconds) {
    const std::time_t time = seconds;
    std::tm broken{};
    ::gmtime_r(&time, &broken);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken)};
}

int64_t expiry_of(const std::string& pem) {
    const auto info = tls::parse_certificate(pem, "");
    return info ? info->not_after : 0;
}

}  // namespace

class Manager::Core {
public:
    Core(ManagerOptions options, kube::Client* client, tls::ServerIdentity& identity, Hooks hooks)
        : options_(std::move(options)), client_(client), identity_(identity), hooks_(std::move(hooks)) {
        if (!hooks_.is_leader) hooks_.is_leader = [] { return true; };
        if (!hooks_.now) hooks_.now = system_now;
    }
    ~Core() { stop(); }

    void start() {
        thread_ = std::jthread([this](const std::stop_token& token) { run(token); });
    }
    void stop() {
        thread_.request_stop();
        wake();
        if (thread_.joinable()) thread_.join();
    }
    void wake() {
        const std::lock_guard lock{mutex_};
        woken_ = true;
        wake_.notify_all();
    }
    ManagerStats stats() const {
        const std::lock_guard lock{mutex_};
        return stats_;
    }

private:
    void run(const std::stop_token& stop);
    Result<void> round(const std::stop_token& stop);
    Result<void> follow_files();
    Result<void> keep_secret(const std::stop_token& stop);
    Result<json> read_secret(const std::stop_token& stop, bool& exists);
    Result<Material> lead(json secret, bool exists, const std::stop_token& stop);
    Result<void> apply(const tls::KeyPair& server, const std::string& bundle);
    Result<void> publish(const std::stop_token& stop);
    Milliseconds pause() const;
    void note(const Result<void>& result);

    const ManagerOptions options_;
    kube::Client* const client_;
    tls::ServerIdentity& identity_;
    Hooks hooks_;
    // Of the manager's thread:
    tls::KeyPair applied_;
    std::string bundle_;
    int64_t next_check_ = 0;
    bool hurry_ = false;

    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    bool woken_ = false;
    ManagerStats stats_;
    std::jthread thread_;
};

void Manager::Core::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        hurry_ = false;
        const auto result = round(stop);
        if (stop.stop_requested()) return;
        note(result);
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, stop, pause(), [this] { return woken_; });
        woken_ = false;
    }
}

Result<void> Manager::Core::round(const std::stop_token& stop) {
    auto kept = options_.directory.empty() ? keep_secret(stop) : follow_files();
    if (!kept) return kept;
    return publish(stop);
}

Milliseconds Manager::Core::pause() const {
    if (hurry_ || !stats_.ready) return kImpatient;
    const Milliseconds poll = options_.directory.empty() ? options_.poll : options_.poll_files;
    if (next_check_ == 0) return poll;
    const int64_t left = std::max<int64_t>(0, next_check_ - hooks_.now());
    return left > poll.count() / 1000 ? poll : std::max(kImpatient, Milliseconds{left * 1000});
}

void Manager::Core::note(const Result<void>& result) {
    const std::string problem = result ? std::string{} : result.error().to_string();
    const std::lock_guard lock{mutex_};
    if (!result) ++stats_.failures;
    if (problem == stats_.last_error) return;
    if (!problem.empty()) {
        log::warn("certificates: {}; {}", problem,
                  stats_.ready ? "the certificate in force stays" : "TLS connections are refused until there is one");
    } else {
        log::info("certificates: in order again");
    }
    stats_.last_error = problem;
}

Result<void> Manager::Core::follow_files() {
    auto files = read_files(options_.directory);
    if (!files) return files.error();
    if (auto good = tls::check_bundle({files->ca, options_.directory + "/ca.crt"}); !good) return good;
    auto applied = apply(files->server, files->ca);
    if (!applied) return Error{options_.directory, applied.error().to_string()};
    return {};
}

Result<json> Manager::Core::read_secret(const std::stop_token& stop, bool& exists) {
    const std::string what = "Secret " + options_.ns + "/" + options_.secret;
    auto found = client_->get("/api/v1/namespaces/" + options_.ns + "/secrets/" + options_.secret, stop);
    exists = static_cast<bool>(found);
    if (!found && found.error().kind != ApiErrorKind::not_found) {
        return Error{what, "cannot be read: " + found.error().to_string()};
    }
    if (!found) {
        return json{{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"type", "Opaque"},
                    {"metadata", {{"name", options_.secret}, {"namespace", options_.ns}}}};
    }
    json object = parse_json(*found);
    if (!object.is_object()) return Error{what, "the API server's answer is no object"};
    return object;
}

Result<void> Manager::Core::keep_secret(const std::stop_token& stop) {
    bool exists = false;
    auto secret = read_secret(stop, exists);
    if (!secret) return secret.error();
    Material material;
    if (hooks_.is_leader()) {
        auto led = lead(std::move(*secret), exists, stop);
        if (!led) return led.error();
        material = std::move(*led);
    } else {
        material = material_of(*secret);
        next_check_ = 0;
        if (material == Material{}) return Error{options_.secret, "nothing is in it yet: the leader will make it"};
        if (auto good = check(material); !good) return good;
    }
    return apply(material.server, material.bundle());
}

// Nothing is used that is not stored: another replica may have been faster.
Result<Material> Manager::Core::lead(json secret, bool exists, const std::stop_token& stop) {
    auto advanced = advance(material_of(secret), options_.rotation, hooks_.now());
    if (!advanced) return advanced.error();
    next_check_ = advanced->next_check;
    if (advanced->done.empty()) return std::move(advanced->material);
    put(secret, advanced->material);
    const std::string collection = "/api/v1/namespaces/" + options_.ns + "/secrets";
    auto written = exists ? client_->replace(collection + "/" + options_.secret, secret.dump(), stop)
                          : client_->create(collection, secret.dump(), stop);
    if (!written) {
        hurry_ = written.error().kind == ApiErrorKind::conflict;
        return Error{"Secret " + options_.ns + "/" + options_.secret,
                     "cannot be written: " + written.error().to_string()};
    }
    for (const auto& what : advanced->done) log::info("certificates: {}", what);
    const std::lock_guard lock{mutex_};
    ++stats_.rotations;
    return std::move(advanced->material);
}

Result<void> Manager::Core::apply(const tls::KeyPair& server, const std::string& bundle) {
    if (applied_ != server) {
        if (auto set = identity_.set(server.certificate_pem, server.key_pem); !set) return set;
        applied_ = server;
        log::info("certificates: a server certificate is in force until {}", date(identity_.expires()));
    }
    if (bundle_ != bundle) {
        bundle_ = bundle;
        if (hooks_.on_bundle) hooks_.on_bundle(bundle_);
    }
    const std::lock_guard lock{mutex_};
    stats_.ready = true;
    stats_.server_expires = identity_.expires();
    stats_.ca_expires = expiry_of(bundle_);
    return {};
}

Result<void> Manager::Core::publish(const std::stop_token& stop) {
    if (client_ == nullptr || !hooks_.is_leader()) return {};
    Publisher publisher(*client_, options_.ns);
    if (!options_.config_map.empty()) {
        if (auto said = publisher.config_map(options_.config_map, bundle_, stop); !said) return said;
    }
    if (options_.webhook_config.empty()) return {};
    return publisher.webhooks(options_.webhook_config, bundle_, stop);
}

Manager::Manager(ManagerOptions options, kube::Client* client, tls::ServerIdentity& identity, Hooks hooks)
    : core_(std::make_unique<Core>(std::move(options), client, identity, std::move(hooks))) {}
Manager::~Manager() = default;
void Manager::start() { core_->start(); }
void Manager::stop() { core_->stop(); }
void Manager::wake() { core_->wake(); }
ManagerStats Manager::stats() const { return core_->stats(); }

}  // namespace steelyard::certs
