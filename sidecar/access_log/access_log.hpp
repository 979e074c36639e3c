#pragma once
// The access log: each worker puts lines into a ring of its own, one thread writes them out. That thread looks every few
// milliseconds while there is something to write and ten times a second when there is not, so that a request costs no system
// call. What the reader or the disk does not take in time is dropped and counted; nothing waits for it.
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "sidecar/access_log/options.hpp"
#include "sidecar/access_log/sink.hpp"
#include "sidecar/access_log/worker_log.hpp"
#include "sidecar/reactor/fd.hpp"

namespace steelyard::access_log {

class AccessLog {
public:
    // Opens the target and starts the writer. The error's `where` is --access-log.
    static Result<std::unique_ptr<AccessLog>> open(Options options, size_t workers);
    ~AccessLog();  // stop()
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    // Belongs to that worker's thread, as long as this lives.
    WorkerLog& worker(size_t index) { return *workers_[index]; }

    // The file was renamed: writes what is left to it, then opens its name anew; when that fails, goes on with the old one and
    // says so. Any thread, returns at once.
    void reopen();
    // Writes out what there is, for at most the flush time-out, and ends the writer. When no worker writes any more.
    void stop();

    // Any thread.
    struct Stats {
        uint64_t lines = 0;         // written
        uint64_t dropped_full = 0;  // no room in a worker's ring
        uint64_t dropped_error = 0;
        uint64_t errors = 0;  // writes that failed
    };
    Stats stats() const;

private:
    AccessLog(Options options, Sink sink, UniqueFd wake, size_t workers);
    void run();
    bool drain();
    bool drain(Ring& ring, bool& moved);
    void on_written(Ring& ring, const Ring::Filled& lines, size_t bytes);
    void on_error(Ring& ring, int error);
    void reopen_sink();
    void wait(Milliseconds time) const;
    void wake() const;
    bool empty() const;

    const Options options_;
    Sink sink_;
    const UniqueFd wake_;
    std::vector<std::unique_ptr<WorkerLog>> workers_;
    // The writer's own.
    size_t turn_ = 0;        // the ring that is written from; it stays so while a line of it is not out whole
    bool mid_line_ = false;  // what was written last did not end a line
    bool torn_ = false;      // and its rest was dropped
    bool told_ = false;      // that writing fails
    Counter lines_;
    Counter dropped_;
    Counter errors_;

    std::atomic<bool> reopen_{false};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace steelyard::access_log
