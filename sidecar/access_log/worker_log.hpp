#pragma once
// One worker's end of the access log: decides what is logged, makes the lines, and puts them where the writer finds them. Never
// waits: a line for which there is no room is dropped and counted. No lock, and no allocation once as many notes are there as
// requests are under way at a time. The writer is woken, by one system call, only when the ring has become half full.
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/access_log/format.hpp"
#include "sidecar/access_log/request_note.hpp"
#include "sidecar/access_log/ring.hpp"
#include "sidecar/upstream/counters.hpp"

namespace steelyard::access_log {

class WorkerLog {
public:
    struct Settings {
        const Format& format;
        double sample;
        size_t ring_bytes;
        int wake;  // an eventfd; stays the caller's, as that of set_wake()
        uint64_t seed;
    };
    explicit WorkerLog(const Settings& settings);

    int wake_descriptor() const { return wake_; }
    // What that eventfd is called in the worker's own table of descriptors.
    void set_wake(int descriptor) { wake_ = descriptor; }

    // A note for one request, until it is given back.
    RequestNote* take_note(const http::RequestHead& head);
    void give_back(RequestNote* note) { free_.push_back(note); }

    // Makes the line, if sampling wants it. `began` and `now` are of the steady clock; record.time and record.duration are
    // set here.
    void write(Record& record, TimePoint began, TimePoint now);

    // Lines for which there was no room. Any thread.
    uint64_t dropped() const { return dropped_.get(); }
    // For the writer.
    Ring& ring() { return ring_; }

private:
    bool sampled();
    void wake_writer();

    static constexpr size_t kKeep = 256;  // notes put by at the start
    const Format& format_;
    const uint64_t threshold_;  // of 2^32
    int wake_;
    uint64_t random_;
    bool woken_ = false;
    TimeCache time_;
    std::vector<std::unique_ptr<RequestNote>> notes_;
    std::vector<RequestNote*> free_;
    std::array<char, kMaxLine> line_;
    Counter dropped_;
    Ring ring_;
};

}  // namespace steelyard::access_log
