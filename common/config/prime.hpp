#pragma once
// What the size of a Maglev table has to be. Trial division: up to a thousand steps for the largest that is allowed.
#include <cstdint>

namespace steelyard::config {

constexpr bool is_prime(uint32_t number) {
    for (uint32_t divisor = 2; divisor <= number / divisor; ++divisor) {
        if (number % divisor == 0) return false;
    }
    return number > 1;
}

}  // namespace steelyard::config
