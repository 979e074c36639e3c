#pragma once
// Reads one file whole, and notices if it changed meanwhile.
#include <sys/stat.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace steelyard::manifests {

// Enough of stat(2) to tell one state of a file from another.
struct FileStamp {
    uint64_t device = 0, inode = 0;
    int64_t size = 0, modified_ns = 0, changed_ns = 0;

    static FileStamp of(const struct stat& info);
    // Of what the path leads to; nothing if there is nothing there.
    static std::optional<FileStamp> of(const std::filesystem::path& path);
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct FileText {
    enum class Outcome { whole, missing, changing, failed } outcome = Outcome::failed;
    std::string text;     // whole
    FileStamp stamp;      // whole, failed
    std::string problem;  // failed: "is a directory", "Permission denied", "is larger than ..."
};

// Never blocks on a pipe or device: only regular files are read.
FileText read_file(const std::filesystem::path& path, size_t max_bytes);

}  // namespace steelyard::manifests
