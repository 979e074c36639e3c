// Any bytes as a manifest: decoding must neither crash nor hang, strict and lenient; whatever objects come out of the lenient way
// go through translation, whose output must be fit for a proxy.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <variant>

#include "common/config/validate.hpp"
#include "controller/manifests/decode.hpp"
#include "controller/store/cluster_state.hpp"
#include "controller/translate/translator.hpp"

using namespace steelyard;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    manifests::DecodeOptions options;
    options.yaml = {.documents = 1000, .nodes = 100'000};
    options.budget = {.fields = 100'000};
    options.max_objects = 1000;

    const auto strict = manifests::decode_manifest(text, options);
    if (strict) {
        for (const auto& fault : strict->faults) {
            if (fault.place.to_string().empty() || fault.error.problem.empty()) std::abort();
        }
    }
    options.as_api_server = false;
    auto decoded = manifests::decode_manifest(text, options);
    if (static_cast<bool>(strict) != static_cast<bool>(decoded)) std::abort();
    if (!decoded) return 0;

    store::ClusterState state(10);
    state.begin_list(store::Kind::node);
    for (auto& placed : decoded->objects)
        std::visit([&](auto& object) { state.upsert(std::move(object)); }, placed.object);
    state.end_list(store::Kind::node);
    translate::Translator translator({.allow_loopback = size % 2 == 0, .edge_transparent = size % 3 == 0});
    const translate::Update update = translator.update(state, state.take_changes());
    for (const auto& resource : update.upsert) {
        config::Problems problems;
        config::validate(resource, {}, problems);
        if (!problems.empty()) std::abort();
    }
    return 0;
}
