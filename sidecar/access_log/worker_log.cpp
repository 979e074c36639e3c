#include "sidecar/access_log/worker_log.hpp"

#include <unistd.h>

namespace steelyard::access_log {

WorkerLog::WorkerLog(const Settings& settings)
    : format_(settings.format),
      threshold_(static_cast<uint64_t>(settings.sample * 4294967296.0)),
      wake_(settings.wake),
      random_(settings.seed | 1U),
      ring_(settings.ring_bytes) {
    notes_.reserve(kKeep);
    free_.reserve(kKeep);
}

RequestNote* WorkerLog::take_note(const http::RequestHead& head) {
    if (free_.empty()) {
        notes_.push_back(std::make_unique<RequestNote>());
        free_.reserve(notes_.capacity());  // so that giving back never allocates
        free_.push_back(notes_.back().get());
    }
    RequestNote* const note = free_.back();
    free_.pop_back();
    note->begin(head, format_);
    return note;
}

// xorshift64*: nobody gains by guessing what is logged.
bool WorkerLog::sampled() {
    random_ ^= random_ >> 12U;
    random_ ^= random_ << 25U;
    random_ ^= random_ >> 27U;
    return (random_ * 0x2545f4914f6cdd1dULL) >> 32U < threshold_;
}

void WorkerLog::write(Record& record, TimePoint began, TimePoint now) {
    if (!record.failed() && !sampled()) return;
    const auto took = now - began;
    record.duration = std::chrono::duration_cast<Microseconds>(took);
    // The wall clock is read without a system call.
    record.time =
        std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(took);
    const size_t size = format_.render(record, time_, line_.data());
    if (!ring_.push({line_.data(), size})) return dropped_.add();
    const bool half_full = ring_.used() > ring_.capacity() / 2;
    if (half_full && !woken_) wake_writer();
    woken_ = half_full;
}

void WorkerLog::wake_writer() {
    const uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);  // a counter that is full wakes it as well
}

}  // namespace steelyard::access_log
