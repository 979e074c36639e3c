#pragma once
// Small files on the same node: read whole, replaced whole (a temporary file beside it and a rename: a reader sees the old or the new
// one). Not synced to the disk: what they say does not outlive the boot.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace steelyard::vip {

// nullopt: there is no such file. Errors name the file; so is one of more than `most` bytes, or that is no regular file.
Result<std::optional<std::string>> read_text_file(const std::string& path, size_t most);
// Mode 0644: the proxy beside may run as another user.
Result<void> replace_text_file(const std::string& path, std::string_view text);

}  // namespace steelyard::vip
