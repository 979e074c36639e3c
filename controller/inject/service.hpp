#pragma once
// The injecting webhook, whole: its configuration file, its rules, its HTTPS listener, on a thread of its own, so that no slow or
// hostile peer can hold up the pushing of configuration.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/inject/injector.hpp"
#include "controller/inject/server.hpp"

namespace steelyard::inject {

struct ServiceOptions {
    std::string ip;                     // --webhook-listen
    uint16_t port = 0;                  // 0 = any free one
    std::filesystem::path config_file;  // --inject-config
    // Called on the webhook's thread; all but `event` are needed, and return at once.
    Server::Tls tls;
    std::function<std::string()> ca_pem;
    std::function<std::vector<std::string>()> service_cidrs;
    std::function<void(const InjectEvent&)> event;
    ServerLimits limits;
};

struct ServiceStats {
    InjectStats pods;
    ServerStats server;
};

class InjectService {
public:
    explicit InjectService(ServiceOptions options);
    ~InjectService();  // stops

    // Reads the file, listens, starts the thread. The error names the file and its field, or the address.
    Result<void> start();
    uint16_t port() const;
    // Ends within a second: answers that are being written are finished. Idempotent; joins the thread.
    void stop();
    ServiceStats stats() const;  // any thread

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::inject
