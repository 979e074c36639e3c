#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "common/log.hpp"
#include "sidecar/config/state_file.hpp"

namespace steelyard::config {
namespace {

constexpr auto kComplainEvery = std::chrono::minutes{1};

}  // namespace

Result<std::unique_ptr<StateWriter>> StateWriter::open(const std::string& dir, Milliseconds min_interval) {
    std::error_code failure;
    if (!std::filesystem::is_directory(dir, failure)) {
        std::filesystem::create_directories(dir, failure);
        if (failure) return Error{dir, "the directory cannot be created: " + failure.message()};
        ::chmod(dir.c_str(), 0700);
    }
    if (::access(dir.c_str(), W_OK | X_OK) != 0) {
        return Error{dir, "the directory cannot be written to: " + std::system_category().message(errno)};
    }
    const std::string path = (std::filesystem::path(dir) / "config.json").string();
    return std::unique_ptr<StateWriter>(new StateWriter(path, min_interval));
}

StateWriter::StateWriter(std::string path, Milliseconds min_interval)
    : path_(std::move(path)), min_interval_(min_interval), thread_([this] { run(); }) {}

StateWriter::~StateWriter() { stop(); }

void StateWriter::save(Image image) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) return;
        pending_ = std::move(image);
    }
    wake_.notify_one();
}

void StateWriter::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

StateWriter::Stats StateWriter::stats() const {
    const std::lock_guard lock{mutex_};
    return stats_;
}

void StateWriter::run() {
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait(lock, [this] { return pending_ || stopping_; });
        if (!pending_) return;
        const Image image = std::move(*pending_);
        pending_.reset();
        lock.unlock();
        const TimePoint began = Clock::now();
        write(image);
        // A large state takes long to write: then it is written more seldom, so that saving costs a twentieth of a core
        // at most.
        const Duration pause = std::max<Duration>(min_interval_, (Clock::now() - began) * 20);
        lock.lock();
        wake_.wait_for(lock, pause, [this] { return stopping_; });
    }
}

void StateWriter::write(const Image& image) {
    const std::string text = encode_state(image);
    const auto written = write_state_file(path_, text);
    const std::lock_guard lock{mutex_};
    if (written) {
        ++stats_.writes;
        stats_.bytes = text.size();
        return;
    }
    ++stats_.failures;
    const TimePoint now = Clock::now();
    if (last_complaint_ != TimePoint{} && now - last_complaint_ < kComplainEvery) return;
    last_complaint_ = now;
    log::warn("the state was not saved: {}; a restart without the controller would begin with the older state",
              written.error().to_string());
}

}  // namespace steelyard::config
