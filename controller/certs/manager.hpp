#pragma once
// Keeps the certificates of the controller's TLS listeners, on a thread of its own.
//
// managed: CA and server certificate live in a Secret; the leader makes and rotates them (rotation.hpp) with optimistic
// locking, the others follow. files: a directory with tls.crt, tls.key and ca.crt (the layout of cert-manager's
// volumes) is read again when it changes. In both, the leader keeps the CA bundle in ConfigMap `config_map` (key
// ca.crt) and in every caBundle of the webhook configuration. An API server that does not answer, or a Secret or file
// that is garbage, leaves the last good identity in force; it is logged once and tried again.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/tls/server_identity.hpp"
#include "controller/certs/rotation.hpp"
#include "controller/kube/client.hpp"

namespace steelyard::certs {

struct ManagerOptions {
    std::string directory;  // files mode when not empty
    std::string ns;
    std::string secret = "steelyard-tls";
    std::string config_map = "steelyard-ca";  // "" = none is kept
    std::string webhook_config;               // "" = none is patched
    RotationSettings rotation;
    Milliseconds poll{5'000};  // of the Secret
    Milliseconds poll_files{1'000};
};

struct ManagerStats {
    bool ready = false;                          // the identity is set
    int64_t ca_expires = 0, server_expires = 0;  // UTC seconds since 1970
    uint64_t rotations = 0;                      // writes of the Secret, by us
    uint64_t failures = 0;
    std::string last_error;  // "" when the last round went well
};

class Manager {
public:
    struct Hooks {
        std::function<bool()> is_leader;                        // any thread; none = always
        std::function<void(const std::string& pem)> on_bundle;  // on the manager's thread, whenever the bundle changes
        std::function<int64_t()> now;                           // UTC seconds; none = the system clock
    };

    // `client` may be null in files mode without config_map and webhook_config. Both outlive the manager.
    Manager(ManagerOptions options, kube::Client* client, tls::ServerIdentity& identity, Hooks hooks);
    ~Manager();  // stop()

    void start();
    void stop();
    // Leadership changed: look now.
    void wake();
    ManagerStats stats() const;  // any thread

private:
    class Core;
    std::unique_ptr<Core> core_;
};

}  // namespace steelyard::certs
