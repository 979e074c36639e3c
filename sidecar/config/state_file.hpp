#pragma once
// The last good configuration on disk (<state-dir>/config.json), so that a proxy restarts and serves without its
// controller.
//
// Two lines: a header {"format":"steelyard-state","format_version":1,"subscription":...,"bytes":N,"checksum":"..."} and
// the snapshot. Written to a temporary file (mode 0600), synced and renamed over the old one: a reader sees the old or
// the new one, whole. A torn, corrupt or foreign file is an error that names the file and says what is wrong; the proxy
// starts without it.
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "sidecar/config/state.hpp"

namespace steelyard::config {

std::string encode_state(const Image& image);

struct Restored {
    push::Snapshot snapshot;
    std::string subscription;
};
// `where` names the file in errors.
Result<Restored> decode_state(std::string_view text, const std::string& where);

// nullopt: there is no such file (a first start).
Result<std::optional<Restored>> load_state_file(const std::string& path);
Result<void> write_state_file(const std::string& path, const std::string& text);

// One snapshot as JSON, for --config FILE: as on the wire, "type" and "version" optional. Errors name file and field.
Result<push::Snapshot> load_config_file(const std::string& path);

// Saves images on a thread of its own: the newest one only, at most every `min_interval`, and what is pending at
// stop(). A write that fails is logged once a minute at most and counted; the next save tries again.
class StateWriter {
public:
    struct Stats {
        uint64_t writes = 0, failures = 0;
        uint64_t bytes = 0;  // of the last one
    };

    // `dir` is created (mode 0700) if it is not there; an error if it cannot be written to.
    static Result<std::unique_ptr<StateWriter>> open(const std::string& dir,
                                                     Milliseconds min_interval = Milliseconds{200});
    ~StateWriter();  // stop()
    StateWriter(const StateWriter&) = delete;
    StateWriter& operator=(const StateWriter&) = delete;

    const std::string& path() const { return path_; }
    void save(Image image);  // returns at once
    void stop();
    Stats stats() const;

private:
    StateWriter(std::string path, Milliseconds min_interval);
    void run();
    void write(const Image& image);

    const std::string path_;
    const Milliseconds min_interval_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::optional<Image> pending_;
    bool stopping_ = false;
    Stats stats_;
    TimePoint last_complaint_{};
    std::thread thread_;
};

}  // namespace steelyard::config
