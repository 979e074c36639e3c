#include "sidecar/vip/net/readable.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include "common/net/asio.hpp"

namespace steelyard::vip {

struct Readable::Core : std::enable_shared_from_this<Core> {
    Core(asio::io_context& io, int fd, std::function<void()> call) : descriptor(io, fd), callback(std::move(call)) {}

    void wait() {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [self = shared_from_this()](const error_code& error) {
                                  if (error || !self->callback) return;
                                  const auto call = self->callback;  // it may end this watch
                                  call();
                                  if (self->callback) self->wait();
                              });
    }
    void end() {
        callback = nullptr;
        error_code ignored;
        descriptor.cancel(ignored);
        descriptor.release();
    }

    asio::posix::stream_descriptor descriptor;
    std::function<void()> callback;
};

Readable::Readable(asio::io_context& io, int descriptor, std::function<void()> callback)
    : core_(std::make_shared<Core>(io, descriptor, std::move(callback))) {
    core_->wait();
}

Readable::~Readable() { core_->end(); }

}  // namespace steelyard::vip
