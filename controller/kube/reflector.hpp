#pragma once
// Keeps one kind in step with the API server on a thread of its own: lists, watches, resumes, tells the handler
// (handler.hpp). For T = Service, EndpointSlice, Pod, Node and the kinds of steelyard.dev. An outage changes nothing for the handler:
// what it knows stays until a list says otherwise. Logged is each change of state, not each retry.
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "controller/kube/decode.hpp"
#include "controller/kube/handler.hpp"
#include "controller/kube/kind_stats.hpp"
#include "controller/kube/reflector_core.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::kube {

// How a kind is asked for.
struct KindSpec {
    std::string_view name;  // in messages and metrics
    std::string_view path;
    std::string_view list_accept;
    std::string_view watch_accept;
    std::string_view when_unknown;  // what an error means before the first list is complete
    std::string_view when_known;    // and after
};

template <class T>
const KindSpec& kind_spec();

template <class T>
class Reflector {
public:
    using Recovered = std::function<void()>;

    // `transport` and `handler` outlive it. `random` is uniform over [0, 1). `recovered`, if any, is told when a watch
    // opened after failures. Both are called on the reflector's thread.
    Reflector(Transport& transport, Handler<T>& handler, ReflectorTiming timing, Backoff::Random random,
              Recovered recovered = {});
    ~Reflector();  // stops

    void start();
    void request_stop() { thread_.request_stop(); }  // ends the wait or read it is in; does not wait for the thread
    void stop();  // returns once the thread has ended: at most a handler's call later
    KindStats stats() const;
    // Someone saw the API server well: if it is the server that this one waits for, try again now. From any thread.
    void nudge();

private:
    using Failure = std::optional<ApiError>;

    void run(const std::stop_token& stop);
    Failure list_page(const ReflectorCore::List& step, const std::stop_token& stop);
    Failure watch(const ReflectorCore::Watch& step, const std::stop_token& stop);
    Failure read_events(WatchStream& stream, const std::stop_token& stop);
    Failure on_line(std::string_view line);
    void deliver(WatchEvent<T> event);
    bool is_usable(const T& object);
    Milliseconds after(const Failure& failure, bool was_listing);
    void log_failure(const ApiError& error, bool was_listing, Milliseconds wait);
    void log_recovery();
    void pause(Milliseconds time, const Failure& failure, const std::stop_token& stop);

    Transport& transport_;
    Handler<T>& handler_;
    const ReflectorTiming timing_;
    const Recovered recovered_;
    ReflectorCore core_;  // thread_'s from here ...
    TimePoint list_began_{};
    TimePoint opened_{};        // of the watch; equal to TimePoint{} when it was not
    std::string logged_;        // the failure that was logged last, empty when all is well
    bool ended_idle_ = false;   // ... to here
    mutable std::mutex mutex_;  // guards stats_
    KindStats stats_;
    std::mutex pause_mutex_;  // guards the two below
    std::condition_variable_any wake_;
    bool waits_for_server_ = false;
    bool nudged_ = false;
    std::jthread thread_;
};

}  // namespace steelyard::kube
