#pragma once
// The sidecar: configuration in, workers running, admin pages, and an orderly end.
#include <memory>

#include "sidecar/options.hpp"

namespace steelyard {

class SidecarApp {
public:
    explicit SidecarApp(SidecarOptions options);
    ~SidecarApp();

    // Opens everything. The error says what could not be had.
    Result<void> start();
    // Serves until SIGTERM or SIGINT, then drains within its deadline. A second signal ends it at once.
    void run();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard
