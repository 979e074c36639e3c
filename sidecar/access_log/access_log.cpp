#include "sidecar/access_log/access_log.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <random>
#include <system_error>
#include <utility>

#include "common/log.hpp"

namespace steelyard::access_log {
namespace {

constexpr Milliseconds kLeastPause{5};
constexpr Milliseconds kMostPause{100};

// By memchr, which looks at many bytes at once.
uint64_t count_lines(std::string_view text) {
    uint64_t lines = 0;
    for (size_t at = 0; (at = text.find('\n', at)) != std::string_view::npos; ++at) ++lines;
    return lines;
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(Options options, size_t workers) {
    auto sink = Sink::open(options);
    if (!sink) return Error{"--access-log", sink.error().to_string()};
    UniqueFd wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!wake) return Error{"--access-log", "no file descriptor is left to wake its writer with"};
    return std::unique_ptr<AccessLog>(new AccessLog(std::move(options), std::move(*sink), std::move(wake), workers));
}

AccessLog::AccessLog(Options options, Sink sink, UniqueFd wake, size_t workers)
    : options_(std::move(options)), sink_(std::move(sink)), wake_(std::move(wake)) {
    std::random_device random;
    for (size_t i = 0; i < workers; ++i) {
        const uint64_t seed = (uint64_t{random()} << 32U) | random();
        workers_.push_back(std::make_unique<WorkerLog>(
            WorkerLog::Settings{options_.format, options_.sample, options_.ring_bytes, wake_.get(), seed}));
    }
    thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() { stop(); }

void AccessLog::reopen() {
    reopen_.store(true);
    wake();
}

void AccessLog::stop() {
    if (!thread_.joinable()) return;
    stopping_.store(true);
    wake();
    thread_.join();
}

AccessLog::Stats AccessLog::stats() const {
    Stats stats{lines_.get(), 0, dropped_.get(), errors_.get()};
    for (const auto& worker : workers_) stats.dropped_full += worker->dropped();
    return stats;
}

void AccessLog::run() {
    pthread_setname_np(pthread_self(), "access-log");
    // Signals are the main thread's; a pipe without a reader is an error like others.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    Milliseconds pause = kLeastPause;
    std::optional<TimePoint> deadline;
    while (true) {
        const bool stopping = stopping_.load();
        const bool reopening = reopen_.exchange(false);
        const bool moved = drain();
        if (reopening) reopen_sink();
        if (stopping && !deadline) deadline = Clock::now() + options_.flush_timeout;
        if (stopping && (empty() || Clock::now() >= *deadline)) break;
        pause = moved || stopping ? kLeastPause : std::min(pause * 2, kMostPause);
        wait(pause);
    }
    for (const auto& worker : workers_) {
        const auto left = worker->ring().peek();
        dropped_.add(count_lines(left.first) + count_lines(left.second));
    }
    if (!empty()) log::warn("access log: {} took too long to take what was left; it is dropped", sink_.name());
}

// One look at every ring. True when anything was written.
bool AccessLog::drain() {
    bool moved = false;
    for (size_t i = 0; i < workers_.size(); ++i) {
        if (!drain(workers_[turn_]->ring(), moved)) return moved;
        turn_ = (turn_ + 1) % workers_.size();
    }
    return moved;
}

// False when the sink takes no more now.
bool AccessLog::drain(Ring& ring, bool& moved) {
    size_t left = ring.peek().size();  // what is put in meanwhile waits for its turn
    while (left != 0) {
        // A line that an error cut short ends here, so that the next one is whole.
        const auto lines = torn_ ? Ring::Filled{"\n", {}} : ring.peek();
        const auto written = sink_.write(lines);
        if (written.status == Sink::Status::would_block) return false;
        if (written.status == Sink::Status::failed) {
            on_error(ring, written.error);
            return true;
        }
        moved = true;
        if (std::exchange(torn_, false)) continue;
        on_written(ring, lines, written.bytes);
        left -= std::min(left, written.bytes);
    }
    return true;
}

void AccessLog::on_written(Ring& ring, const Ring::Filled& lines, size_t bytes) {
    const auto first = lines.first.substr(0, bytes);
    const auto second = lines.second.substr(0, bytes - first.size());
    lines_.add(count_lines(first) + count_lines(second));
    const auto last = second.empty() ? first : second;
    if (!last.empty()) mid_line_ = last.back() != '\n';
    ring.pop(bytes);
}

void AccessLog::on_error(Ring& ring, int error) {
    errors_.add();
    if (!std::exchange(told_, true)) {
        log::error("access log: {} cannot be written: {}; lines are dropped and counted until it can", sink_.name(),
                   std::generic_category().message(error));
    }
    torn_ = torn_ || std::exchange(mid_line_, false);
    const auto lost = ring.peek();
    dropped_.add(count_lines(lost.first) + count_lines(lost.second));
    ring.pop(lost.size());
}

void AccessLog::reopen_sink() {
    if (options_.target != Target::file) return;
    auto fresh = Sink::open(options_);
    if (!fresh) return log::error("access log: {}; the file that was open stays in use", fresh.error().to_string());
    sink_ = std::move(*fresh);
    told_ = torn_ = mid_line_ = false;
    log::info("access log: {} is opened anew", sink_.name());
}

bool AccessLog::empty() const {
    return std::all_of(workers_.begin(), workers_.end(),
                       [](const auto& worker) { return worker->ring().peek().size() == 0; });
}

void AccessLog::wait(Milliseconds time) const {
    pollfd ready{wake_.get(), POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(time.count())) != 1) return;
    uint64_t count = 0;
    (void)!read(wake_.get(), &count, sizeof count);
}

void AccessLog::wake() const {
    const uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof one);
}

}  // namespace steelyard::access_log
