#pragma once
// Lists the virtual routers' Leases of a namespace and watches them, on a thread of its own, for as long as it lives. An outage is waited out
// with back-off; what changed meanwhile comes with the next list.
#include <functional>
#include <string>
#include <vector>

#include "controller/kube/transport.hpp"
#include "controller/kube/work_thread.hpp"
#include "controller/viplease/record.hpp"

namespace steelyard::viplease {

class Follower {
public:
    struct Callbacks {  // on the follower's thread
        std::function<void(std::vector<Record>)> on_list;
        std::function<void(RecordEvent)> on_event;  // changed or deleted
    };

    // `collection`: the path of the namespace's Leases. `watches` outlives the follower.
    Follower(kube::Transport& watches, std::string collection, Callbacks callbacks);

    void start();
    void request_stop() { thread_.request_stop(); }
    void stop() { thread_.stop(); }

private:
    void run(const std::stop_token& stop);
    kube::ApiResult<std::string> list(const std::stop_token& stop);
    kube::ApiError watch(std::string& version, const std::stop_token& stop);

    kube::Transport& watches_;
    const std::string collection_;
    const Callbacks callbacks_;
    kube::WorkThread thread_;
};

}  // namespace steelyard::viplease
