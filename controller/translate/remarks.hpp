#pragma once
// What translation would find wrong in one object taken by itself: annotations, addresses, weights. Pure. For sources that know where an
// object is written (a manifest's file and document) and can say it there, also of objects that nothing refers to yet.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.hpp"
#include "controller/translate/translator.hpp"

namespace steelyard::translate {

// The text of `steelyard.dev/weight`: a whole number from 0 to config::kMaxWeight, else nullopt.
std::optional<uint32_t> parse_weight(std::string_view text);
// The same of `steelyard.dev/priority`, from 0 to config::kMaxPriority.
std::optional<uint8_t> parse_priority(std::string_view text);

// Each a text such as "metadata.annotations[steelyard.dev/weight]: '-1' is not ...; weight 1 is in force". Bounded.
std::vector<std::string> remarks(const kube::Service& service);
std::vector<std::string> remarks(const kube::EndpointSlice& slice, const Options& options);
std::vector<std::string> remarks(const kube::Pod& pod);

}  // namespace steelyard::translate
