#pragma once
// Calls back each time a descriptor can be read. The descriptor is its owner's; the object ends the watch. One thread, the io_context's.
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace steelyard::vip {

class Readable {
public:
    Readable(boost::asio::io_context& io, int descriptor, std::function<void()> callback);
    ~Readable();
    Readable(const Readable&) = delete;
    Readable& operator=(const Readable&) = delete;

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace steelyard::vip
