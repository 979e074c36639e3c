#pragma once
// The injection's configuration file, followed: poll() reads it again when it changed (a ConfigMap volume changes by a symbolic link
// that is swapped; what the path leads to is looked at). A file that is wrong, or gone, is said once and leaves the last good
// configuration in force. poll() belongs to one thread; current() may be called from any.
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/result.hpp"
#include "controller/inject/config.hpp"
#include "controller/manifests/file_reader.hpp"

namespace steelyard::inject {

class ConfigFile {
public:
    explicit ConfigFile(std::filesystem::path path) : path_(std::move(path)) {}

    // The first read; the error names the file. Nothing is in force after an error.
    Result<void> load();
    // True when something new came into force.
    bool poll();
    std::shared_ptr<const InjectConfig> current() const;

private:
    Result<InjectConfig> read();
    void complain(const Error& error);

    const std::filesystem::path path_;
    std::optional<manifests::FileStamp> stamp_;  // of what was read last, good or bad
    std::string complaint_;                      // the last one that was said
    mutable std::mutex mutex_;
    std::shared_ptr<const InjectConfig> current_;
};

}  // namespace steelyard::inject
