#pragma once
// 64 bits that tell one state of a resource from another: what is kept of the last output, in place of the output. Two different
// states of one resource collide with probability 2^-64. Stable within a process only.
#include <cstdint>

#include "common/config/model.hpp"

namespace steelyard::translate {

uint64_t fingerprint(const config::Resource& resource);

}  // namespace steelyard::translate
