#pragma once
// The event loop of one worker: edge-triggered epoll, one registration per descriptor for its whole life, so that a proxied
// request costs no epoll_ctl. One thread runs it and owns everything registered with it; only post() and stop() may be
// called from other threads. (docs/adr/0001-the-data-plane-has-its-own-reactor.md says why this is not Asio.)
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/reactor/fd.hpp"

namespace steelyard {

class EventHandler {
public:
    virtual ~EventHandler() = default;
    // events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. May come after the descriptor was closed in the same turn.
    virtual void on_events(uint32_t events) = 0;
};

// Something to be deleted when the current turn is over, because events of the turn may still name it.
class Retired {
public:
    virtual ~Retired() = default;
};

class Reactor {
public:
    enum class Trigger { edge, level };
    static constexpr Milliseconds kTick{50};

    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    // Registers a descriptor; closing it removes it. Edge: reads and writes. Level: reads only (listening sockets).
    // One that is registered already gets this handler from now on. False when the kernel refuses (out of watches or memory).
    bool add(int fd, EventHandler* handler, Trigger trigger = Trigger::edge);
    // The events of a registered descriptor go to another handler from now on; what is ready now is reported anew.
    bool rebind(int fd, EventHandler* handler);

    // Called about every kTick, but only while `active` was set: an idle worker sleeps without a timer.
    void set_tick(std::function<void()> tick) { tick_ = std::move(tick); }
    void set_ticking(bool active) { ticking_ = active; }

    // The time at the start of this turn: coarse, free of system calls.
    TimePoint now() const { return now_; }

    // Deletes it after this turn.
    void retire(std::unique_ptr<Retired> object) { retired_.push_back(std::move(object)); }
    // Now: when no turn is under way, nor will be.
    void delete_retired();

    // Runs until stop(). The thread that calls it becomes the owner.
    void run();

    // From any thread: runs `task` on the reactor's thread, soon, in the order posted.
    void post(std::function<void()> task);
    void stop();

    // The descriptors that the thread of run() has to have: the same numbers in every table.
    std::array<int, 2> descriptors() const { return {epoll_.get(), wake_.get()}; }

private:
    void run_posted();
    int wait_timeout_ms() const;

    UniqueFd epoll_;
    UniqueFd wake_;
    TimePoint now_ = Clock::now();
    TimePoint next_tick_ = now_;
    std::function<void()> tick_;
    bool ticking_ = false;
    bool stopping_ = false;
    std::vector<std::unique_ptr<Retired>> retired_;

    std::mutex mutex_;  // guards posted_ and nothing else; taken once per post and once per wake-up
    std::vector<std::function<void()>> posted_;
};

}  // namespace steelyard
