#include "controller/inject/config_file.hpp"

#include "common/log.hpp"

namespace steelyard::inject {
namespace {

constexpr size_t kMaxBytes = size_t{256} * 1024;

}  // namespace

Result<InjectConfig> ConfigFile::read() {
    auto file = manifests::read_file(path_, kMaxBytes);
    using Outcome = manifests::FileText::Outcome;
    const Error gone{path_, "there is no such file"};
    if (file.outcome == Outcome::missing) {
        stamp_.reset();
        return gone;
    }
    if (file.outcome == Outcome::changing) {  // read by the next poll
        stamp_.reset();
        return Error{path_, "changes while it is read"};
    }
    stamp_ = file.stamp;
    if (file.outcome == Outcome::failed) return Error{path_, file.problem};
    auto parsed = parse_inject_config(file.text);
    if (!parsed)
        return Error{path_.string() + (parsed.error().where.empty() ? "" : ", " + parsed.error().where),
                     parsed.error().problem};
    return parsed;
}

Result<void> ConfigFile::load() {
    auto config = read();
    if (!config) return config.error();
    const std::lock_guard lock(mutex_);
    current_ = std::make_shared<const InjectConfig>(std::move(*config));
    return {};
}

bool ConfigFile::poll() {
    const auto stamp = manifests::FileStamp::of(path_);
    if (stamp && stamp == stamp_) return false;
    auto config = read();
    if (!config) {
        complain(config.error());
        return false;
    }
    if (!complaint_.empty()) log::info("{}: is right again", path_.string());
    complaint_.clear();
    const std::lock_guard lock(mutex_);
    if (current_ && *current_ == *config) return false;
    current_ = std::make_shared<const InjectConfig>(std::move(*config));
    log::info("{}: read again; pods that are created from now on are injected by it", path_.string());
    return true;
}

void ConfigFile::complain(const Error& error) {
    const std::string text = error.to_string();
    if (text == complaint_) return;
    complaint_ = text;
    log::error("{}; the configuration that was read last stays in force", text);
}

std::shared_ptr<const InjectConfig> ConfigFile::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

}  // namespace steelyard::inject
