#include "sidecar/reactor/doorbell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace steelyard {

Doorbell::Doorbell() : bell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!bell_) throw std::system_error(errno, std::generic_category(), "the main thread's eventfd");
}

void Doorbell::post(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    const uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(bell_.get(), &one, sizeof(one));
}

void Doorbell::answer() {
    uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(bell_.get(), &count, sizeof(count));
    std::vector<std::function<void()>> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
}

}  // namespace steelyard
