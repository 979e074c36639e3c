#pragma once
// Asks the proxy beside whether it is ready: GET over one kept connection, again and again. What counts is the last answer: 2xx is ready;
// anything else, no answer within the time-out or no connection is not. A connection that the proxy's end closes makes it ask anew at
// once, so that a proxy that was killed is noticed within a millisecond, not with the next interval. One thread, the io_context's.
#include <functional>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "sidecar/vip/config/options.hpp"

namespace boost::asio {
class io_context;
}

namespace steelyard::vip {

class ReadyPoller {
public:
    // After every answer: whether it is ready, and if not why ("no connection: Connection refused").
    using Callback = std::function<void(bool ready, const std::string& why)>;
    struct Times {
        Milliseconds interval{250};
        Milliseconds timeout{500};
    };

    ReadyPoller(boost::asio::io_context& io, ReadyUrl url, Times times, Callback callback);
    ~ReadyPoller();
    ReadyPoller(const ReadyPoller&) = delete;
    ReadyPoller& operator=(const ReadyPoller&) = delete;

    void start();
    void stop();

private:
    class Core;
    std::shared_ptr<Core> core_;
};

}  // namespace steelyard::vip
