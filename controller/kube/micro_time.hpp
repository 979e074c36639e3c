#pragma once
// Times as the Kubernetes API writes them with microseconds (meta/v1 MicroTime): "2026-11-21T14:00:00.123456Z".
#include <chrono>
#include <string>

namespace steelyard::kube {

using WallTime = std::chrono::system_clock::time_point;

std::string micro_time(WallTime time);

}  // namespace steelyard::kube
