#pragma once
// Keeps the virtual routers' Leases for the edges, which have no access to the API server: decides about claims (book.hpp), writes on threads
// of its own, and watches what other replicas write. A claim is answered within kAnswerWithin of its arrival, also when the API server is
// not: with a `problem` then. Claims that need no write are answered at once, on the caller's thread.
//
// Its threads begin with the first claim or use(): a cluster without such virtual IPs has nothing of it.
//
// Bounded: kWorkers writes at a time, kMaxQueued that wait; beyond, a problem.
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "controller/push/claim_order.hpp"

namespace steelyard::kube {
class Client;
class Transport;
}  // namespace steelyard::kube

namespace steelyard::viplease {

constexpr Milliseconds kAnswerWithin{1200};
constexpr Milliseconds kRequestLimit{1000};  // of the client, so that a request that hangs ends in time
constexpr size_t kWorkers = 4;
constexpr size_t kMaxQueued = 4096;

struct KeeperStats {
    std::map<std::string, uint64_t> claims;  // by outcome: held, refused, given, problem. Each lease of a claim counts
    std::map<std::string, uint64_t> writes;  // by outcome: ok, conflict, error
    uint64_t held = 0;                       // Leases that are held, as this replica sees it
};

class Keeper {
public:
    // Both outlive the keeper.
    Keeper(kube::Client& client, kube::Transport& watches, std::string ns);
    ~Keeper();  // stops
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void use();           // Leases are in use: begins to follow them
    void request_stop();  // begins what stop() waits for
    void stop();          // what is under way is broken off; nothing is answered any more

    // Any thread. `answer` is called once, unless the keeper stops before.
    void claim(push::ClaimOrder order, push::ClaimAnswer answer);
    // Deletes what nobody holds of routers that are not `used`. For the replica that leads, now and then.
    void sweep(const std::bitset<256>& used);
    KeeperStats stats() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::viplease
