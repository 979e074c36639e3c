// What may lie where the state of virtual IPs should be: no crash; what is accepted is written back, and from then on the same.
#include <cstdlib>

#include "sidecar/vip/config/state_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steelyard;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto state = vip::decode_state(text, "state.json");
    if (!state) {
        if (state.error().problem.empty()) std::abort();
        return 0;
    }
    const std::string written = vip::encode_state(*state);
    const auto again = vip::decode_state(written, "state.json");
    if (!again || vip::encode_state(*again) != written) std::abort();
    if (!state->boot_id.empty() && !vip::is_fresh(*again, state->boot_id, state->monotonic_ms, Milliseconds{300}))
        std::abort();
    return 0;
}
