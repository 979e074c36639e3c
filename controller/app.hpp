#pragma once
// The controller: objects in, translated, pushed; admin pages; an orderly end.
#include <memory>

#include "common/result.hpp"
#include "controller/options.hpp"

namespace steelyard {

class ControllerApp {
public:
    explicit ControllerApp(ControllerOptions options);
    ~ControllerApp();

    // Opens everything. The error says what could not be had.
    Result<void> start();
    // Serves until SIGTERM or SIGINT.
    void run();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard
