#pragma once
// Hosts already tried for one request. Bounded by the number of tries.
#include <array>
#include <cstdint>

namespace steelyard {

class Host;

class TriedHosts {
public:
    static constexpr uint32_t kMax = 4;
    bool contains(const Host* host) const {
        for (uint32_t i = 0; i < count_; ++i) {
            if (hosts_[i] == host) return true;
        }
        return false;
    }
    void add(const Host* host) {
        if (count_ < kMax) hosts_[count_++] = host;
    }
    uint32_t count() const { return count_; }
    void clear() { count_ = 0; }

private:
    std::array<const Host*, kMax> hosts_{};
    uint32_t count_ = 0;
};

}  // namespace steelyard
