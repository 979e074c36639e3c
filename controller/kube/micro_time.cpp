#include "controller/kube/micro_time.hpp"

#include <fmt/chrono.h>

namespace steelyard::kube {

std::string micro_time(WallTime time) {
    const auto micros = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(micros);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                       (micros - seconds).count());
}

}  // namespace steelyard::kube
