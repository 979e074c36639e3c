#pragma once
// The proxy's end of the push protocol: connects to the controller, says hello, applies what it is pushed to a
// ConfigState and answers. Runs on one thread's io_context (the main one); only stats() may be called from others. It
// never gives up: a lost or refused connection is tried again with back-off and full jitter, and resumes from the
// version it has.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/push/message.hpp"
#include "common/result.hpp"
#include "sidecar/config/state.hpp"
#include "sidecar/config/url.hpp"

namespace boost::asio {
class io_context;
}

namespace steelyard::config {

struct ClientOptions {
    ControllerUrl url;
    std::string name;      // unique among proxies: pod name, or host name and a suffix
    std::string instance;  // "" = random, made at construction
    push::Role role = push::Role::sidecar;
    std::string node, zone;
    std::string ca_file, ca_pem;     // whom to trust, for wss://
    std::string trust_file;          // where the CAs are kept that the controller told; "" = in memory only
    std::string token_file;          // "" = no token is shown; read for each connection
    std::vector<std::string> wants;  // "ns/service:port", by name or number, or "*"
    size_t max_frame = push::kMaxFrameToProxy;
    Milliseconds backoff_base{100}, backoff_cap{5000};
    Milliseconds connect_timeout{5000};  // each of: resolve and connect, handshake
    Milliseconds idle_timeout{20000};    // nothing heard; a ping goes out at half of it
};

struct ClientStats {
    bool connected = false;  // the controller has been sent hello on an open connection
    bool in_sync = false;    // connected, and a frame was applied or the version resumed on this connection
    std::string version;     // in force, "" for none
    uint64_t connects = 0, disconnects = 0, snapshots = 0, deltas = 0, nacks = 0, bytes = 0, name_in_use = 0;
    int64_t last_change_unix_ms = 0;  // when a frame last changed something; 0 = never
    double config_age_seconds = 0;    // since it was last known to be current (or since the start): 0 while in sync
    double last_apply_seconds = 0;    // decode, validate, apply and on_change of the last frame
    std::vector<push::RefusedWant> refused;  // what it wants and is not given, as the controller said last
    uint64_t trust_updates = 0;
    std::string last_error;  // why the last connection ended or failed, "" when connected
};

class ConfigClient {
public:
    // Called with what a frame changed (never with an empty set), after it is in `state` and before it is acknowledged.
    using OnChange = std::function<void(const ChangeSet&)>;

    // `state` may hold what was restored from disk: its version is resumed if it was got under the same subscription.
    ConfigClient(boost::asio::io_context& io, ClientOptions options, ConfigState& state, OnChange on_change);
    ~ConfigClient();

    // Called after each applied frame, with changes or without (the version moved): where the state file is saved.
    void on_applied(std::function<void()> callback);
    void start();
    // Closes the connection and stops trying; the io_context runs dry.
    void stop();
    // Called when what is refused has changed.
    void on_refused(std::function<void(const std::vector<push::RefusedWant>&)> callback);
    // Called with each answer to a claim; without a callback they are passed over.
    void on_grant(std::function<void(const push::Grant&)> callback);
    // Called with true when a connection is in sync for the first time, with false when it has ended.
    void on_session(std::function<void(bool in_sync)> callback);
    // Sends a claim; false, and nothing is done, unless the connection is in sync.
    bool claim(const push::Claim& claim);
    // Ends the connection, whose other end is given up, and makes another.
    void reconnect(const std::string& why);
    // Sends a report upwards, the newest one only, when connected.
    void report(push::Report report);
    ClientStats stats() const;

    // What the controller would refuse of this hello (a name that is none, too many wants): say so at start-up.
    static Result<void> check(const ClientOptions& options);
    // The text that stands for what is asked for: role and wants, as ConfigState::subscription() has it.
    static std::string subscription_of(const ClientOptions& options);

private:
    class Core;
    std::shared_ptr<Core> core_;
};

}  // namespace steelyard::config
