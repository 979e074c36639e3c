#pragma once
// Who the controller is to those that connect, and who they are to it: the TLS identity of its listeners with the thread that
// keeps it (controller/certs), and the authenticator of proxies. Both may be absent (--push-tls none, --push-auth none).
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/certs/manager.hpp"
#include "controller/options.hpp"

namespace steelyard::kube {
class Client;
}
namespace steelyard::push {
class Authenticator;
class TokenAuthenticator;
}  // namespace steelyard::push

namespace steelyard {

class Security {
public:
    struct Hooks {
        std::function<bool()> is_leader;
        std::function<void(const std::string& pem)> on_bundle;  // on a thread of ours, whenever the CAs to trust change
    };

    // `client` is null without an API server; it outlives this.
    Security(const ControllerOptions& options, kube::Client* client, Hooks hooks);
    ~Security();  // stops
    Security(const Security&) = delete;
    Security& operator=(const Security&) = delete;

    void start();
    void stop();
    void leadership_changed();  // any thread

    std::shared_ptr<tls::ServerIdentity> identity() const { return identity_; }  // null: no TLS
    std::shared_ptr<push::Authenticator> authenticator() const;                  // null: everybody is let in
    std::string bundle() const;                                                  // any thread; "" before it is known
    std::optional<certs::ManagerStats> certificates() const;                     // any thread; nullopt: no TLS
    bool ready() const { return !certificates() || certificates()->ready; }

private:
    struct Bundle;
    std::shared_ptr<tls::ServerIdentity> identity_;
    std::shared_ptr<Bundle> bundle_;
    std::unique_ptr<certs::Manager> manager_;
    std::shared_ptr<push::TokenAuthenticator> tokens_;
};

}  // namespace steelyard
