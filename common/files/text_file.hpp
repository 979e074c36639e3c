#pragma once
// Files on the same node: read whole, replaced whole (a temporary file beside it and a rename: a reader sees the old or the new one).
// Blocking. Errors name the file.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace steelyard::files {

// nullopt: there is no such file. One of more than `most` bytes, or that is no regular file, is an error.
Result<std::optional<std::string>> read_text_file(const std::string& path, size_t most);

enum class Keep : uint8_t {
    for_this_boot,  // mode 0644, for a program beside that may be another user; not synced to the disk
    durably,        // mode 0600, and on the disk before this returns
};
Result<void> replace_text_file(const std::string& path, std::string_view text, Keep keep);

}  // namespace steelyard::files
