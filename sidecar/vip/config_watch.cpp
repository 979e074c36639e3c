#include "sidecar/vip/config_watch.hpp"

#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/clock.hpp"
#include "common/net/asio.hpp"
#include "sidecar/reactor/fd.hpp"
#include "sidecar/vip/net/readable.hpp"

namespace steelyard::vip {
namespace {

constexpr Milliseconds kTogether{5};

}  // namespace

struct ConfigWatch::Core : std::enable_shared_from_this<Core> {
    Core(asio::io_context& io, std::function<void()> call) : timer(io), changed(std::move(call)) {}

    // Whatever happens in the directory leads to a look at the file: a mount of Kubernetes swaps a symbolic link of another name.
    void drain() {
        alignas(inotify_event) std::array<char, 4096> events;
        while (read(inotify.get(), events.data(), events.size()) > 0) {}
        if (std::exchange(waiting, true)) return;
        timer.expires_after(kTogether);
        timer.async_wait([self = shared_from_this()](const error_code& error) {
            self->waiting = false;
            if (!error && self->changed) self->changed();
        });
    }

    UniqueFd inotify;
    asio::steady_timer timer;
    std::function<void()> changed;
    bool waiting = false;
    std::unique_ptr<Readable> readable;
};

Result<std::unique_ptr<ConfigWatch>> ConfigWatch::open(asio::io_context& io, const std::string& file,
                                                       std::function<void()> changed) {
    const std::string parent = std::filesystem::path(file).parent_path().string();
    const std::string directory = parent.empty() ? "." : parent;
    auto core = std::make_shared<Core>(io, std::move(changed));
    core->inotify.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR;
    if (!core->inotify || inotify_add_watch(core->inotify.get(), directory.c_str(), kEvents) < 0) {
        return Error{"--config",
                     "the directory " + directory + " cannot be watched: " + std::generic_category().message(errno)};
    }
    core->readable = std::make_unique<Readable>(io, core->inotify.get(), [raw = core.get()] { raw->drain(); });
    return std::unique_ptr<ConfigWatch>(new ConfigWatch(std::move(core)));
}

ConfigWatch::ConfigWatch(std::shared_ptr<Core> core) : core_(std::move(core)) {}

ConfigWatch::~ConfigWatch() {
    core_->changed = nullptr;
    core_->readable.reset();
    core_->timer.cancel();
}

}  // namespace steelyard::vip
