#pragma once
// Follows a directory: decides when which file is read or taken for gone, and tells the handlers what that changes. Driven by
// ManifestSource: start() once, then step() until told to stop, from one thread at a time.
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "controller/manifests/catalog.hpp"
#include "controller/manifests/directory_watch.hpp"
#include "controller/manifests/file_reader.hpp"
#include "controller/manifests/manifest_source.hpp"

namespace steelyard::manifests {

class Follower {
public:
    Follower(SourceOptions options, Sinks sinks, std::function<void(const std::string&)> say);

    Result<void> start();
    // Waits for something to do, or for `stop_fd` to become readable, and does it.
    void step(int stop_fd);

    SourceStatus status() const;

private:
    struct Known {
        FileStamp stamp;                     // of what was last read
        std::optional<FileStamp> last_seen;  // by the check of symbolic links
        bool symlink = false;
        bool unreadable = false;
    };

    std::filesystem::path path_of(const std::string& name) const { return options_.directory / name; }
    Duration until_next() const;
    void collect();
    void on_event(DirectoryWatch::Event event, std::string_view name);
    void on_created(const std::string& name);
    void check();
    void lose();
    void reopen();
    void rescan();
    void pass();
    void read_one(const std::string& name);
    void accept(const std::string& name, const FileText& text);
    void gone(const std::string& name, Duration grace);
    void bury();
    void deliver();
    void tell(const Catalog::Changes& changes);
    void publish_status();

    const SourceOptions options_;
    const Sinks sinks_;
    const std::function<void(const std::string&)> say_;
    Catalog catalog_;
    std::unique_ptr<DirectoryWatch> watch_;  // none: the directory is lost
    std::map<std::string, Known> known_;
    std::set<std::string> being_written_;  // modified since it was last closed
    std::set<std::string> to_read_;
    std::string reading_;  // the file that is being read, and whether it went meanwhile
    bool reading_gone_ = false;
    std::map<std::string, TimePoint> to_bury_;  // names that are gone, and when they are taken for it
    bool rescan_ = false;
    bool reopened_ = false;  // the next rescan is that of a directory that may still be filled
    bool lost_ = false;
    TimePoint retry_at_ = TimePoint::max();  // files that changed while they were read
    TimePoint next_check_;
    size_t passes_ = 0;
    mutable std::mutex mutex_;
    SourceStatus status_;
};

}  // namespace steelyard::manifests
