#include "controller/security.hpp"

#include <mutex>
#include <utility>

#include "controller/push/token_authenticator.hpp"

namespace steelyard {
namespace {

int64_t seconds(Milliseconds time) { return std::chrono::duration_cast<std::chrono::seconds>(time).count(); }

certs::ManagerOptions manager_options(const ControllerOptions& options, bool api_server) {
    const auto& security = options.security;
    certs::ManagerOptions out;
    if (security.tls == PushTls::files) out.directory = security.tls_dir;
    if (!api_server) out.config_map.clear();
    out.ns = options.ns;
    out.secret = security.tls_secret;
    out.webhook_config = options.webhook.config_name;
    out.rotation.names = security.tls_names;
    out.rotation.ca_lifetime = seconds(security.ca_lifetime);
    out.rotation.certificate_lifetime = seconds(security.certificate_lifetime);
    return out;
}

}  // namespace

struct Security::Bundle {
    std::mutex mutex;
    std::string pem;
};

Security::Security(const ControllerOptions& options, kube::Client* client, Hooks hooks)
    : bundle_(std::make_shared<Bundle>()) {
    if (options.security.tls != PushTls::none) {
        identity_ = std::make_shared<tls::ServerIdentity>();
        const auto keep = [bundle = bundle_, tell = std::move(hooks.on_bundle)](const std::string& pem) {
            {
                const std::lock_guard lock(bundle->mutex);
                bundle->pem = pem;
            }
            if (tell) tell(pem);
        };
        manager_ = std::make_unique<certs::Manager>(manager_options(options, client != nullptr), client, *identity_,
                                                    certs::Manager::Hooks{std::move(hooks.is_leader), keep, {}});
    }
    if (options.security.auth == PushAuth::token && client != nullptr) {
        push::TokenAuthenticatorOptions tokens;
        tokens.rules = {options.security.audience, options.ns, options.security.cross_namespace_all};
        tokens_ = std::make_shared<push::TokenAuthenticator>(std::move(tokens), *client);
    }
}

Security::~Security() { stop(); }

void Security::start() {
    if (manager_) manager_->start();
}

void Security::stop() {
    if (tokens_) tokens_->stop();
    if (manager_) manager_->stop();
}

void Security::leadership_changed() {
    if (manager_) manager_->wake();
}

std::shared_ptr<push::Authenticator> Security::authenticator() const { return tokens_; }

std::string Security::bundle() const {
    const std::lock_guard lock(bundle_->mutex);
    return bundle_->pem;
}

std::optional<certs::ManagerStats> Security::certificates() const {
    if (!manager_) return std::nullopt;
    return manager_->stats();
}

}  // namespace steelyard
