#include "sidecar/reactor/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace steelyard {
namespace {

constexpr int kEventsPerTurn = 256;

}  // namespace

Reactor::Reactor() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "a worker's epoll or eventfd");
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "a worker's eventfd in epoll");
    }
}

Reactor::~Reactor() = default;

bool Reactor::add(int fd, EventHandler* handler, Trigger trigger) {
    epoll_event event{};
    event.events = trigger == Trigger::edge ? (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) : EPOLLIN;
    event.data.ptr = handler;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return true;
    return errno == EEXIST && epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

bool Reactor::rebind(int fd, EventHandler* handler) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = handler;
    return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

int Reactor::wait_timeout_ms() const {
    if (!ticking_) return -1;
    const auto left = std::chrono::ceil<Milliseconds>(next_tick_ - now_).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, kTick.count()));
}

void Reactor::run() {
    std::array<epoll_event, kEventsPerTurn> events;
    while (!stopping_) {
        const int count = epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, wait_timeout_ms());
        now_ = Clock::now();
        bool woken = false;
        for (int i = 0; i < count; ++i) {
            auto* handler = static_cast<EventHandler*>(events[static_cast<size_t>(i)].data.ptr);
            if (handler == nullptr) {
                woken = true;
            } else {
                handler->on_events(events[static_cast<size_t>(i)].events);
            }
        }
        if (woken) run_posted();
        if (ticking_ && now_ >= next_tick_) {
            next_tick_ = now_ + kTick;
            if (tick_) tick_();
        }
        delete_retired();
    }
}

// A retired object may retire others while it goes.
void Reactor::delete_retired() {
    while (!retired_.empty()) {
        auto gone = std::exchange(retired_, {});
        gone.clear();
    }
}

void Reactor::run_posted() {
    uint64_t ignored = 0;
    [[maybe_unused]] const auto n = ::read(wake_.get(), &ignored, sizeof(ignored));
    std::vector<std::function<void()>> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
}

void Reactor::post(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(task));
    }
    const uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof(one));
}

void Reactor::stop() {
    post([this] { stopping_ = true; });
}

}  // namespace steelyard
