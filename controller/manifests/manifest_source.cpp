#include "controller/manifests/manifest_source.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

#include "common/log.hpp"
#include "controller/manifests/follower.hpp"

namespace steelyard::manifests {

struct ManifestSource::Runner {
    Runner(SourceOptions options, Sinks sinks, std::function<void(const std::string&)> say)
        : follower(std::move(options), sinks, std::move(say)) {}

    Follower follower;
    int stop_fd = -1;
    std::atomic<bool> stopping{false};
    std::thread thread;
};

ManifestSource::ManifestSource(SourceOptions options, Sinks sinks, std::function<void(const std::string&)> say) {
    if (!say) say = [](const std::string& line) { log::warn("{}", line); };
    runner_ = std::make_unique<Runner>(std::move(options), sinks, std::move(say));
}

ManifestSource::~ManifestSource() {
    stop();
    if (runner_->stop_fd >= 0) ::close(runner_->stop_fd);
}

Result<void> ManifestSource::start() {
    runner_->stop_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (runner_->stop_fd < 0) return Error{"manifests", "no event descriptor is to be had (too many open files?)"};
    if (auto started = runner_->follower.start(); !started) return started;
    runner_->thread = std::thread([runner = runner_.get()] {
        while (!runner->stopping) runner->follower.step(runner->stop_fd);
    });
    return {};
}

void ManifestSource::stop() {
    if (!runner_->thread.joinable()) return;
    runner_->stopping = true;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written =
        ::write(runner_->stop_fd, &one, sizeof one);  // cannot fail: the counter is empty
    runner_->thread.join();
}

SourceStatus ManifestSource::status() const { return runner_->follower.status(); }

}  // namespace steelyard::manifests
