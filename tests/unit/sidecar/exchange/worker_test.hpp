#pragma once
// A real worker with a listener on 127.0.0.1 and one upstream, "shop/web:http", for tests with real sockets. At the end of
// every test all gauges must be back at zero and no buffer may be out.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sidecar/access_log/access_log.hpp"
#include "sidecar/runtime/worker.hpp"
#include "sidecar/upstream/snapshot.hpp"
#include "tests/unit/sidecar/exchange/backend.hpp"
#include "tests/unit/sidecar/exchange/socket.hpp"

namespace steelyard::test {

struct TestHost {
    uint16_t port = 0;
    uint32_t weight = 1;
    bool draining = false;
};

class WorkerTest : public ::testing::Test {
protected:
    WorkerTest();
    void TearDown() override;

    // Set options_ and policy_ before.
    void start(config::Protocol protocol = config::Protocol::http);
    // Starts if need be, and gives the worker this set of hosts.
    void use(const std::vector<TestHost>& hosts);
    void use(const Backend& backend) { use({{.port = backend.port()}}); }
    // As a removed upstream.
    void use_nothing();
    // Returns when everything that was posted to the worker before has been done.
    void settle();

    uint16_t port() const { return port_; }
    Socket client(int receive_buffer = 0) { return Socket::connect(port_, receive_buffer); }
    // As they are when the worker has done what it is at: a client may have its answer before it is counted.
    UpstreamCounters& counters();
    const WorkerCounters& worker_counters();
    uint64_t failures(Failure failure) { return counters().failures[static_cast<size_t>(failure)].get(); }
    // nullptr when the hosts in use have none at this port.
    std::shared_ptr<Host> host(uint16_t port);
    // As the runtime does when a host begins to drain.
    void cut_after(const Backend& backend, Milliseconds time);
    size_t buffer_bytes();

    WorkerOptions options_;
    config::Upstream upstream_;
    HostRegistry registry_;
    std::shared_ptr<UpstreamStats> stats_ = std::make_shared<UpstreamStats>(1);
    std::shared_ptr<const UpstreamSnapshot> snapshot_;
    std::vector<std::shared_ptr<Host>> seen_;            // every host of the test
    std::unique_ptr<access_log::AccessLog> access_log_;  // opened before start(), if at all
    std::unique_ptr<Worker> worker_;
    uint16_t port_ = 0;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";

// A request with a body of known length.
std::string with_length(std::string_view method, std::string_view body, std::string_view fields = {});

}  // namespace steelyard::test
