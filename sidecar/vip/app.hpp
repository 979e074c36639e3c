#pragma once
// steelyard-vip, whole: reads what this node should do, asks whether the proxy is ready, runs the virtual routers, says what it does.
// One thread. SIGTERM or SIGINT: priority 0, addresses given back, run() returns; a second signal ends it at once.
#include <memory>

#include "common/result.hpp"
#include "sidecar/vip/config/options.hpp"

namespace steelyard::vip {

class VipApp {
public:
    explicit VipApp(VipOptions options);
    ~VipApp();
    VipApp(const VipApp&) = delete;
    VipApp& operator=(const VipApp&) = delete;

    // The error is for people, and final: missing rights, an admin address in use, a directory that is not there.
    Result<void> start();
    void run();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::vip
