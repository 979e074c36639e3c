#pragma once
// Follows a file that is replaced by a rename: watches its directory, as the file itself may come, go and be another one. Several changes
// within some milliseconds are one. One thread, the io_context's.
#include <functional>
#include <memory>
#include <string>

#include "common/result.hpp"

namespace boost::asio {
class io_context;
}

namespace steelyard::vip {

class ConfigWatch {
public:
    // The error names the directory. `changed` is not called for what is there at the beginning.
    static Result<std::unique_ptr<ConfigWatch>> open(boost::asio::io_context& io, const std::string& file,
                                                     std::function<void()> changed);
    ~ConfigWatch();
    ConfigWatch(const ConfigWatch&) = delete;
    ConfigWatch& operator=(const ConfigWatch&) = delete;

private:
    struct Core;
    explicit ConfigWatch(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_;
};

}  // namespace steelyard::vip
