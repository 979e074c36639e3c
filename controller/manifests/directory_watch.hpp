#pragma once
// inotify on one directory. One thread. Source: inotify(7).
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "common/result.hpp"
#include "controller/manifests/file_reader.hpp"

namespace steelyard::manifests {

class DirectoryWatch {
public:
    enum class Event : uint8_t {
        created,    // a name appeared; if it is a file somebody writes, `closed` follows
        modified,   // is being written (or was truncated to be)
        closed,     // was written and closed
        moved_in,   // was renamed into place, whole
        gone,       // deleted or renamed away
        attribute,  // permissions or the like
        lost,       // the directory itself is gone or was moved: no more events will come
        overflow,   // events were dropped: look at everything
    };

    // The error says why not ("No such file or directory").
    static Result<std::unique_ptr<DirectoryWatch>> open(const std::filesystem::path& directory);
    ~DirectoryWatch();
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    int fd() const { return fd_; }  // readable when there are events
    // Which directory it is, to notice when the path leads to another.
    uint64_t device() const { return identity_.device; }
    uint64_t inode() const { return identity_.inode; }

    // Tells all events there are, without waiting.
    void drain(const std::function<void(Event event, std::string_view name)>& tell);

private:
    explicit DirectoryWatch(int fd) : fd_(fd) {}

    const int fd_;
    FileStamp identity_;
};

}  // namespace steelyard::manifests
