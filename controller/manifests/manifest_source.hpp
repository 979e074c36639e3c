#pragma once
// A directory of Kubernetes manifests in the place of an API server: every *.yaml, *.yml and *.json in it (not below it) is read,
// followed by inotify, and told to the handlers as a list and then as changes, a few milliseconds after a file is in place.
//
// The last good state stays in force: of a file that does not parse, all its objects; of an object that is wrong, that object;
// of a directory that vanished, everything until it is there again. A file that is gone is taken for deleted 50 ms later (editors
// replace files by moving them away; 1 s in a directory that was just replaced). A file that is open for writing is not read
// before it is closed; one that changes while it is read is read again. An object that two files declare is taken from the first
// by name. ConfigMap volumes (symbolic links through ..data) are followed. Each problem is said once, and again only after it was
// gone.
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/result.hpp"
#include "controller/kube/handler.hpp"

namespace steelyard::manifests {

struct SourceOptions {
    std::filesystem::path directory;
    size_t max_file_bytes = size_t{16} << 20;
    size_t max_files = 10'000;
    // How often what inotify cannot see is looked at: targets of symbolic links, a directory that was replaced.
    std::chrono::milliseconds check_interval{1000};
};

using Sinks = kube::Handlers;

struct SourceStatus {
    size_t files = 0;     // read and in force
    size_t objects = 0;   // in force
    size_t problems = 0;  // standing now
    size_t passes = 0;    // times that something was read, since the start
};

class ManifestSource {
public:
    // `say` gets each problem, and its end, as one line for people; default: log::warn. Called on the source's thread.
    ManifestSource(SourceOptions options, Sinks sinks, std::function<void(const std::string&)> say = {});
    ~ManifestSource();  // stops
    ManifestSource(const ManifestSource&) = delete;
    ManifestSource& operator=(const ManifestSource&) = delete;

    // Reads the directory, tells the handlers the lists (on the caller's thread), then follows it on a thread of its own.
    // Fails if there is no such directory or it cannot be watched.
    Result<void> start();
    // Joins the thread; no handler is called afterwards. Idempotent.
    void stop();

    SourceStatus status() const;  // any thread

private:
    struct Runner;
    std::unique_ptr<Runner> runner_;
};

}  // namespace steelyard::manifests
