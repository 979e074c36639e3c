#pragma once
// What an earlier run that ended without a chance to clean up has left on the interfaces. Pure.
#include <optional>
#include <utility>
#include <vector>

#include "sidecar/vip/config/config.hpp"
#include "sidecar/vip/config/state_file.hpp"
#include "sidecar/vip/net/link_table.hpp"

namespace steelyard::vip {

struct Leftover {
    int index = 0;  // of the interface
    Prefix address;

    friend bool operator==(const Leftover&, const Leftover&) = default;
};

// The addresses that are to be removed: those that the state file says were held, and those of `config` that carry our mark. One that
// carries somebody else's mark is somebody else's; one without any is taken to be what the file says (a kernel before 5.18).
// `kept`: routers (id, family) that go on as master.
std::vector<Leftover> leftovers(const LinkTable& links, const std::optional<StateFile>& state, const Config& config,
                                const std::vector<std::pair<uint8_t, Family>>& kept);

// What the file says of a router.
const RouterStatus* find_status(const std::optional<StateFile>& state, uint8_t id, Family family);

}  // namespace steelyard::vip
