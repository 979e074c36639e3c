#pragma once
// What the program may do: NET_ADMIN (addresses, binding to an interface) and NET_RAW (raw and packet sockets), and nothing else.
#include "common/result.hpp"

namespace steelyard::vip {

// An error that names those of the two that are missing from the permitted set.
Result<void> check_capabilities();

// Keeps the two alone: permitted and effective; inheritable, ambient and (where CAP_SETPCAP allows) the bounding set are emptied, and
// no program that is run could gain any. Call before any thread is started.
Result<void> keep_needed_capabilities();

}  // namespace steelyard::vip
