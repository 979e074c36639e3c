// What an API server, or something in its place, may answer: lists, watch lines and Status bodies of all kinds. No crash,
// bounded text in problems, and the objects given before an error are whole.
#include <cstdlib>
#include <string_view>

#include "controller/kube/decode.hpp"

namespace {

using namespace steelyard;

void check(const std::vector<Error>& problems) {
    for (const auto& problem : problems) {
        if (problem.problem.empty() || problem.problem.size() > 4096) std::abort();
    }
}

template <class T>
void run(std::string_view text) {
    const auto list = kube::decode_list<T>(text, [](T&& object) { check(object.problems); });
    if (!list && list.error().problem.empty()) std::abort();
    const auto event = kube::decode_watch_event<T>(text);
    if (event) {
        check(event->object.problems);
    } else if (event.error().problem.empty()) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    run<kube::Service>(text);
    run<kube::EndpointSlice>(text);
    run<kube::Pod>(text);
    run<kube::Node>(text);
    if (kube::decode_status(text).message.size() > 4096 + size) std::abort();
    return 0;
}
