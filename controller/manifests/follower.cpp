#include "controller/manifests/follower.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include "common/log.hpp"

namespace steelyard::manifests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Editors replace a file by moving the old one away and writing a new one; a directory is replaced likewise. Nothing of what was
// there is dropped before this is over.
constexpr Duration kGrace = 50ms;
constexpr Duration kGraceOfNewDirectory = 1s;
constexpr Duration kReopenEvery = 50ms;
constexpr Duration kRetryAfter = 10ms;

bool is_manifest(std::string_view name) {
    return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

}  // namespace

Follower::Follower(SourceOptions options, Sinks sinks, std::function<void(const std::string&)> say)
    : options_(std::move(options)), sinks_(sinks), say_(std::move(say)), catalog_(options_.directory.string()) {}

Result<void> Follower::start() {
    auto watch = DirectoryWatch::open(options_.directory);
    if (!watch) return Error{options_.directory.string(), watch.error().problem};
    watch_ = *std::move(watch);
    next_check_ = Clock::now() + options_.check_interval;
    rescan_ = true;
    pass();
    return {};
}

Duration Follower::until_next() const {
    const TimePoint now = Clock::now();
    if (rescan_ || lost_ || (!to_read_.empty() && retry_at_ == TimePoint::max())) return 0ms;
    TimePoint next = std::min(next_check_, retry_at_);
    for (const auto& [name, when] : to_bury_) next = std::min(next, when);
    if (!watch_) next = std::min(next, now + kReopenEvery);
    return std::max<Duration>(next - now, 0ms);
}

void Follower::step(int stop_fd) {
    const auto wait = std::chrono::ceil<Milliseconds>(until_next()).count();
    std::array<pollfd, 2> fds{{{stop_fd, POLLIN, 0}, {watch_ ? watch_->fd() : -1, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(wait));
    if (fds[0].revents != 0) return;
    collect();
    if (lost_) lose();
    if (!watch_) reopen();
    const TimePoint now = Clock::now();
    if (now >= next_check_) check();
    if (now >= retry_at_) retry_at_ = TimePoint::max();
    const bool due =
        std::any_of(to_bury_.begin(), to_bury_.end(), [&](const auto& burial) { return now >= burial.second; });
    if (rescan_ || due || (!to_read_.empty() && retry_at_ == TimePoint::max())) pass();
}

void Follower::collect() {
    if (!watch_) return;
    watch_->drain([this](DirectoryWatch::Event event, std::string_view name) { on_event(event, name); });
}

void Follower::on_event(DirectoryWatch::Event event, std::string_view view) {
    using Event = DirectoryWatch::Event;
    if (event == Event::lost) lost_ = true;
    if (event == Event::overflow) {
        being_written_.clear();  // its end may be among what was dropped
        rescan_ = true;
    }
    if (!is_manifest(view)) {
        // "..data" moved into place: how a ConfigMap volume changes all its files at once.
        if (event == Event::moved_in || (event == Event::created && view.starts_with(".."))) rescan_ = true;
        return;
    }
    const std::string name(view);
    switch (event) {
        case Event::created:
            return on_created(name);
        case Event::modified:
            being_written_.insert(name);
            return;
        case Event::closed:
        case Event::moved_in:
            being_written_.erase(name);
            to_bury_.erase(name);
            to_read_.insert(name);
            retry_at_ = TimePoint::max();
            return;
        case Event::gone:
            return gone(name, kGrace);
        case Event::attribute:
            if (const auto known = known_.find(name); known != known_.end() && known->second.unreadable)
                to_read_.insert(name);
            return;
        case Event::lost:
        case Event::overflow:
            return;
    }
}

// A link is whole when it appears; a file that is being created is told again when it is closed.
void Follower::on_created(const std::string& name) {
    std::error_code error;
    const bool symlink = fs::is_symlink(path_of(name), error);
    const bool linked = !symlink && fs::hard_link_count(path_of(name), error) > 1;
    if (!error && (symlink || linked)) to_read_.insert(name);
}

void Follower::gone(const std::string& name, Duration grace) {
    if (name == reading_) reading_gone_ = true;
    being_written_.erase(name);
    to_read_.erase(name);
    if (known_.contains(name)) to_bury_.try_emplace(name, Clock::now() + grace);
}

void Follower::lose() {
    lost_ = false;
    watch_.reset();
    being_written_.clear();
    to_read_.clear();
    to_bury_.clear();
    rescan_ = false;
}

void Follower::reopen() {
    auto watch = DirectoryWatch::open(options_.directory);
    if (!watch) {
        catalog_.set_problem(options_.directory.string() + ": " + watch.error().problem +
                             "; what was read from it stays in force until it is there again");
        deliver();
        return;
    }
    watch_ = *std::move(watch);
    catalog_.set_problem({});
    rescan_ = true;
    reopened_ = true;
}

// What inotify does not tell: that the path leads to another directory now, or a symbolic link to another content.
void Follower::check() {
    next_check_ = Clock::now() + options_.check_interval;
    if (!watch_) return;
    const std::optional<FileStamp> directory = FileStamp::of(options_.directory);
    if (!directory || directory->device != watch_->device() || directory->inode != watch_->inode()) {
        lose();
        reopen();
        return;
    }
    for (auto& [name, known] : known_) {
        if (!known.symlink) continue;
        const std::optional<FileStamp> seen = FileStamp::of(path_of(name));
        if (!seen) gone(name, kGrace);
        // Its writer is not seen either: it has to look the same twice.
        if (seen && *seen != known.stamp && seen == known.last_seen) to_read_.insert(name);
        known.last_seen = seen;
    }
}

void Follower::rescan() {
    rescan_ = false;
    std::set<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(options_.directory, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (is_manifest(name)) names.insert(name);
    }
    if (error) {
        catalog_.set_problem(options_.directory.string() + ": cannot be listed: " + error.message() +
                             "; what was read from it stays in force");
        return;
    }
    catalog_.set_problem({});
    if (names.size() > options_.max_files) {
        catalog_.set_problem(options_.directory.string() + ": has " + std::to_string(names.size()) +
                             " manifests; only the first " + std::to_string(options_.max_files) + " by name are read");
        names.erase(std::next(names.begin(), static_cast<std::ptrdiff_t>(options_.max_files)), names.end());
    }
    for (const auto& [name, known] : known_) {
        if (!names.contains(name)) gone(name, reopened_ ? kGraceOfNewDirectory : kGrace);
    }
    reopened_ = false;
    for (const std::string& name : names) {
        to_bury_.erase(name);
        const auto known = known_.find(name);
        const bool same = known != known_.end() && FileStamp::of(path_of(name)) == known->second.stamp;
        if (!same && !being_written_.contains(name)) to_read_.insert(name);
    }
}

// Each name is looked at once; what changes meanwhile is left for the next pass.
void Follower::pass() {
    const bool first = passes_ == 0;
    if (rescan_) rescan();
    for (const std::string& name : std::exchange(to_read_, {})) read_one(name);
    bury();
    ++passes_;
    if (!first) return deliver();
    const Catalog::Changes changes = catalog_.take();
    const auto list = [&]<class T>(kube::Handler<T>& handler) {
        std::vector<T> objects;
        for (const auto& object : changes.upsert) {
            if (const T* mine = std::get_if<T>(object.get())) objects.push_back(*mine);
        }
        handler.on_list_begin();
        if (!objects.empty()) handler.on_objects(std::move(objects));
        handler.on_list_end();
    };
    list(sinks_.nodes);
    list(sinks_.pools);
    list(sinks_.advertisements);
    list(sinks_.policies);
    list(sinks_.pods);
    list(sinks_.slices);
    list(sinks_.services);
    publish_status();
    for (const std::string& problem : changes.problems) say_(problem);
}

// A text counts only if nobody was writing the file while it was read: neither its stamp nor an event says so.
void Follower::read_one(const std::string& name) {
    reading_ = name;
    reading_gone_ = false;
    FileText text = read_file(path_of(name), options_.max_file_bytes);
    collect();
    reading_.clear();
    if (lost_ || being_written_.contains(name) || to_read_.contains(name)) return;
    // Removed after it was read: no event will say so again.
    if (reading_gone_) return gone(name, kGrace);
    switch (text.outcome) {
        case FileText::Outcome::missing:
            return gone(name, kGrace);
        case FileText::Outcome::changing:
            to_read_.insert(name);
            retry_at_ = Clock::now() + kRetryAfter;
            return;
        case FileText::Outcome::whole:
        case FileText::Outcome::failed:
            return accept(name, text);
    }
}

void Follower::accept(const std::string& name, const FileText& text) {
    std::error_code error;
    known_[name] = {text.stamp, std::nullopt, fs::is_symlink(path_of(name), error),
                    text.outcome == FileText::Outcome::failed};
    if (text.outcome == FileText::Outcome::failed) return catalog_.failed(name, {"", text.problem});
    Result<Decoded> decoded = decode_manifest(text.text);
    if (decoded) {
        if (decoded->passed_over != 0) {
            log::debug("{}: {} objects of kinds that are not read are passed over", path_of(name).string(),
                       decoded->passed_over);
        }
        catalog_.read(name, *std::move(decoded));
    } else {
        catalog_.failed(name, decoded.error());
    }
}

void Follower::bury() {
    const TimePoint now = Clock::now();
    for (auto burial = to_bury_.begin(); burial != to_bury_.end();) {
        if (now < burial->second) {
            ++burial;
            continue;
        }
        const std::string name = burial->first;
        burial = to_bury_.erase(burial);
        if (FileStamp::of(path_of(name))) {
            if (!being_written_.contains(name)) to_read_.insert(name);
        } else if (known_.erase(name) != 0) {
            catalog_.removed(name);
        }
    }
}

void Follower::deliver() {
    const Catalog::Changes changes = catalog_.take();
    tell(changes);
    publish_status();
    for (const std::string& problem : changes.problems) say_(problem);
    for (const std::string& problem : changes.mended) say_("mended: " + problem);
}

// Nodes, pools, policies and Pods before slices before Services: weights are there when the endpoints come.
void Follower::tell(const Catalog::Changes& changes) {
    const auto each = [&]<class T>(kube::Handler<T>& handler) {
        const size_t kind = Object(std::in_place_type<T>).index();
        for (const auto& object : changes.upsert) {
            if (const T* mine = std::get_if<T>(object.get())) handler.on_upsert(*mine);
        }
        for (const auto& removal : changes.remove) {
            if (removal.kind == kind) handler.on_remove(removal.key);
        }
    };
    each(sinks_.nodes);
    each(sinks_.pools);
    each(sinks_.advertisements);
    each(sinks_.policies);
    each(sinks_.pods);
    each(sinks_.slices);
    each(sinks_.services);
}

void Follower::publish_status() {
    const std::lock_guard lock(mutex_);
    status_ = {catalog_.files(), catalog_.objects(), catalog_.problems(), passes_};
}

SourceStatus Follower::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

}  // namespace steelyard::manifests
