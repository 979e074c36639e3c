#pragma once
// A reactor on a thread of its own.
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>

#include "sidecar/reactor/reactor.hpp"

namespace steelyard {

class ReactorThread : public ::testing::Test {
protected:
    void SetUp() override {
        thread_ = std::thread([this] { reactor_.run(); });
    }
    void TearDown() override { stop(); }
    void stop() {
        if (!thread_.joinable()) return;
        reactor_.stop();
        thread_.join();
    }
    // Runs `task` on the reactor's thread and waits for it.
    void on_reactor(const std::function<void()>& task) {
        std::promise<void> done;
        reactor_.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }

    Reactor reactor_;
    std::thread thread_;
};

}  // namespace steelyard
