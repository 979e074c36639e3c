#pragma once
// A thread that does work for others until it is told to stop: what everything that writes to the API server is made of. start() and
// stop() belong to one thread; request_stop() to any. The owner's destructor calls stop() before what the work uses goes.
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "common/clock.hpp"

namespace steelyard::kube {

class WorkThread {
public:
    using Work = std::function<void(const std::stop_token& stop)>;

    void start(Work work) { thread_ = std::jthread(std::move(work)); }
    void request_stop() { thread_.request_stop(); }
    void stop() {
        if (!thread_.joinable()) return;
        thread_.request_stop();
        thread_.join();
    }

    // For the work: waits for so long, or until it is to stop.
    static void sleep(Milliseconds time, const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        never.wait_for(lock, stop, time, [] { return false; });
    }

private:
    std::jthread thread_;
};

}  // namespace steelyard::kube
