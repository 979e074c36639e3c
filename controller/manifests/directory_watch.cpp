#include "controller/manifests/directory_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace steelyard::manifests {
namespace {

constexpr uint32_t kWatched = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM |
                              IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

std::optional<DirectoryWatch::Event> event_of(uint32_t mask) {
    using Event = DirectoryWatch::Event;
    constexpr std::array<std::pair<uint32_t, Event>, 8> kEvents{
        {{IN_Q_OVERFLOW, Event::overflow},
         {IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT, Event::lost},
         {IN_DELETE | IN_MOVED_FROM, Event::gone},
         {IN_MOVED_TO, Event::moved_in},
         {IN_CLOSE_WRITE, Event::closed},
         {IN_MODIFY, Event::modified},
         {IN_CREATE, Event::created},
         {IN_ATTRIB, Event::attribute}}};
    for (const auto& [bits, event] : kEvents) {
        if ((mask & bits) != 0) return event;
    }
    return std::nullopt;
}

Error last_error(const char* what) { return {"", std::string(what) + ": " + std::generic_category().message(errno)}; }

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::open(const std::filesystem::path& directory) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) return last_error("inotify");
    std::unique_ptr<DirectoryWatch> watch(new DirectoryWatch(fd));
    if (::inotify_add_watch(fd, directory.c_str(), kWatched) < 0) return last_error("cannot be watched");
    const std::optional<FileStamp> identity = FileStamp::of(directory);
    if (!identity) return last_error("cannot be read");
    watch->identity_ = *identity;
    return watch;
}

DirectoryWatch::~DirectoryWatch() { ::close(fd_); }

void DirectoryWatch::drain(const std::function<void(Event event, std::string_view name)>& tell) {
    alignas(inotify_event) std::array<char, 16u << 10> buffer;
    for (;;) {
        const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        for (size_t at = 0; at < static_cast<size_t>(got);) {
            inotify_event head;
            std::memcpy(&head, buffer.data() + at, sizeof head);
            const char* name = buffer.data() + at + sizeof head;
            if (const auto event = event_of(head.mask))
                tell(*event, head.len == 0 ? std::string_view() : std::string_view(name));
            at += sizeof head + head.len;
        }
    }
}

}  // namespace steelyard::manifests
