// What may lie on disk where the last good configuration should be. No crash; what is accepted is written back the same.
#include <cstdlib>
#include <string>
#include <string_view>

#include "sidecar/config/state_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steelyard;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto restored = config::decode_state(text, "config.json");
    if (!restored) {
        if (restored.error().problem.empty()) std::abort();
        return 0;
    }
    config::ConfigState state;
    if (!state.apply(std::move(restored->snapshot)).applied) return 0;
    state.set_subscription(restored->subscription);
    if (!config::decode_state(config::encode_state(state.image()), "config.json")) std::abort();
    return 0;
}
