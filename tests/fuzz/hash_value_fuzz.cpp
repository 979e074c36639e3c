// Any bytes as Cookie field and as target: what is found lies within them, stands behind its name, and holds no separator.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sidecar/http/hash_value.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(std::string_view input, std::string_view name, std::string_view value, char separator,
           std::string_view before) {
    if (value.empty()) return;
    require(value.data() >= input.data() && value.data() + value.size() <= input.data() + input.size());
    require(value.find(separator) == std::string_view::npos);
    const auto at = static_cast<size_t>(value.data() - input.data());
    require(at >= name.size() + 1 && input[at - 1] == '=' && input.substr(at - 1 - name.size(), name.size()) == name);
    const size_t begin = at - 1 - name.size();
    require(begin == 0 || before.find(input[begin - 1]) != std::string_view::npos);
    const size_t end = at + value.size();
    require(end == input.size() || input[end] == separator);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steelyard::http;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    for (const std::string_view name : {"a", "sid"}) {
        check(input, name, cookie_value(input, name), ';', " ");
        check(input, name, query_value(input, name), '&', "?&");
    }
    return 0;
}
