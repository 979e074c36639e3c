#pragma once
// The Leases of a namespace as an API server keeps them, in memory: by name, with optimistic locking and watches; and connections to it that
// can be cut. Thread-safe.
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/transport.hpp"
#include "tests/unit/support/refusing_client.hpp"

namespace steelyard::test {

class LeaseServer {
public:
    using Answer = kube::ApiResult<std::string>;

    Answer get(const std::string& name);
    Answer list();
    Answer create(const std::string& body);
    Answer replace(const std::string& body);
    // `version`: of the object, or "" whatever it is.
    Answer remove(const std::string& name, const std::string& version);
    // "": nobody, or there is none of that name.
    std::string holder(const std::string& name);

    // Where a watch from that version on begins; without one, with all there are now, each told as new.
    size_t position_of(const std::string& version, std::vector<std::string>& first);
    // The line at `position`, which goes on by one; nullopt: none came in time.
    std::optional<std::string> line(size_t& position, const std::stop_token& stop, Milliseconds limit);

private:
    struct Event {
        uint64_t version;
        std::string line;
    };
    std::string store(nlohmann::json object, const char* type);
    void tell(const char* type, const nlohmann::json& object);

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, nlohmann::json> leases_;
    std::vector<Event> events_;
    uint64_t version_ = 0;
};

class LeaseLink final : public RefusingClient, public kube::Transport {
public:
    // `limit`: after which a request that hangs is given up.
    LeaseLink(LeaseServer& server, Milliseconds limit) : server_(server), limit_(limit) {}

    Answer get(const std::string& target, const std::stop_token& stop) override;
    Answer create(const std::string& target, const std::string& body, const std::stop_token& stop) override;
    Answer replace(const std::string& target, const std::string& body, const std::stop_token& stop) override;
    Answer remove(const std::string& target, const std::string& options, const std::stop_token& stop) override;
    Answer get(const kube::ApiRequest& request, const std::stop_token& stop) override;
    // A watch that is open goes on while the link is cut.
    kube::ApiResult<std::unique_ptr<kube::WatchStream>> watch(const kube::ApiRequest& request,
                                                              const std::stop_token& stop) override;

    std::atomic<bool> cut = false;   // requests hang
    std::atomic<bool> down = false;  // they fail at once

private:
    std::optional<kube::ApiError> trouble(const std::stop_token& stop) const;

    LeaseServer& server_;
    const Milliseconds limit_;
};

}  // namespace steelyard::test
