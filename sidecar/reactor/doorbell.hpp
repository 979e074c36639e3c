#pragma once
// Tasks from workers to the main thread. An io_context cannot take them: posting to one reaches for its descriptors, which a worker's own table
// does not have (docs/adr/0011-descriptor-tables.md). This one's is an eventfd that workers keep, under the number that it has everywhere.
#include <functional>
#include <mutex>
#include <vector>

#include "sidecar/reactor/fd.hpp"

namespace steelyard {

class Doorbell {
public:
    Doorbell();  // throws std::system_error when the process is out of descriptors

    // From the main thread, and from a worker that keeps descriptor().
    void post(std::function<void()> task);
    // On the main thread, when descriptor() has become readable: runs what was posted, in order.
    void answer();
    int descriptor() const { return bell_.get(); }

private:
    const UniqueFd bell_;
    std::mutex mutex_;  // guards tasks_
    std::vector<std::function<void()>> tasks_;
};

}  // namespace steelyard
