#pragma once
// Takes part in the election of the one controller that writes to the cluster: the machine's steps (machine.hpp) done
// against the API server on a thread of its own. Who does not lead watches the Lease, so that one which is released is taken
// at once. is_leader() is true only up to the renew deadline, whatever the thread is held up by.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controller/leader/machine.hpp"

namespace steelyard::kube {
class Client;
class Transport;
}  // namespace steelyard::kube

namespace steelyard::leader {

struct ElectorOptions {
    std::string ns = "default";
    std::string lease_name = "steelyard-controller";
    std::string identity;  // unlike any other's: see unique_identity
    Timing timing;
};

struct ElectorStats {
    bool leading = false;
    uint64_t transitions = 0;  // times that we began or ceased to lead
    std::string holder;        // as last seen; "" = nobody
};

class Elector {
public:
    struct Callbacks {  // on the elector's thread: must be quick
        std::function<void()> on_started;
        std::function<void()> on_stopped;  // before the Lease is released, or after the renew deadline
    };

    // `client` answers within request_limit(timing). Both outlive the elector.
    Elector(kube::Client& client, kube::Transport& watches, ElectorOptions options, Callbacks callbacks);
    ~Elector();  // stops
    Elector(const Elector&) = delete;
    Elector& operator=(const Elector&) = delete;

    void start();
    void request_stop();  // begins what stop() waits for
    // Releases the Lease if we lead. Returns within about a second, also without an API server.
    void stop();

    bool is_leader() const;  // any thread
    ElectorStats stats() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// How long a request may take so that a leader whose request hangs has told everybody before its Lease ends.
Milliseconds request_limit(const Timing& timing);

// `name` and a random suffix: two processes of one host, or a container and the one that replaces it, are not the same.
std::string unique_identity(const std::string& name);

}  // namespace steelyard::leader
