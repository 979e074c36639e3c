#pragma once
// What is written next to bring a Service to what it is to have. Pure: the Service as the API server has it now in, one request out;
// asked again with the answer until there is nothing left. The order is the promise: the finalizer is there before the first address,
// and goes after the last. Entries of the status that are not ours (another ipMode than Proxy, no IP) are written back as they were.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.hpp"

namespace steelyard::loadbalancer {

struct Wanted {
    std::string uid;                     // which of those that have had this name; any other is left alone
    std::vector<std::string> addresses;  // canonical; none: all of ours is taken away
    uint8_t router_id = 0;

    friend bool operator==(const Wanted&, const Wanted&) = default;
};

struct Write {
    std::string target;        // of a PATCH
    std::string_view content;  // its type
    std::string body;
};

// Does the Service as it was last seen differ from it?
bool differs(const kube::Service& seen, const Wanted& wanted);

// `object`: the Service in JSON. nullopt: nothing (more) to write, or nothing that could be: it is another one, it is being deleted
// or no longer of type LoadBalancer and has no finalizer of ours to be taken away, or the text is no Service.
std::optional<Write> next_write(std::string_view object, const Wanted& wanted);

}  // namespace steelyard::loadbalancer
