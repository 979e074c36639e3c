// Any text as an entry of a pool, and as an address: what is taken is in order, reads the same when written out again, and merging
// keeps what was there.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "controller/ipam/address.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_range(std::string_view text, std::vector<steelyard::ipam::Range>& all) {
    using namespace steelyard::ipam;
    const auto range = parse_range(text);
    if (!range) {
        require(!range.error().problem.empty() && range.error().problem.size() < 1000);
        return;
    }
    require(range->first <= range->last && range->first.family == range->last.family && range->size() > 0);
    const auto again = parse_range(range->first.to_string() + "-" + range->last.to_string());
    require(again && *again == *range);
    require(saturated(range->size()) > 0);
    all.push_back(*range);
}

void check_address(std::string_view text) {
    using namespace steelyard::ipam;
    const auto address = parse_address(text);
    if (!address) return;
    const auto again = parse_address(address->to_string());
    require(again && *again == *address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steelyard::ipam;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::vector<Range> all;
    while (!rest.empty() && all.size() < 64) {
        const size_t end = rest.find('\n');
        check_range(rest.substr(0, end), all);
        check_address(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    const std::vector<Range> joined = merged(all);
    for (size_t i = 1; i < joined.size(); ++i) require(joined[i - 1].last < joined[i].first);
    for (const Range& range : all) {
        size_t holders = 0;
        for (const Range& one : joined) holders += one.contains(range.first) && one.contains(range.last) ? 1U : 0U;
        require(holders == 1);
    }
    return 0;
}
