#include "controller/manifests/file_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace steelyard::manifests {
namespace {

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

FileText failed(std::string problem, FileStamp stamp = {}) {
    return {FileText::Outcome::failed, {}, stamp, std::move(problem)};
}

FileText failed_with(int error) {
    if (error == ENOENT) return {FileText::Outcome::missing, {}, {}, {}};
    return failed("cannot be read: " + std::generic_category().message(error));
}

// Up to `max_bytes` + 1.
bool read_all(int fd, size_t expected, size_t max_bytes, std::string& out) {
    out.resize(expected + 1);
    size_t used = 0;
    for (;;) {
        if (used == out.size()) out.resize(used * 2);
        const ssize_t got = ::read(fd, out.data() + used, out.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        used += static_cast<size_t>(got);
        if (got == 0 || used > max_bytes) break;
    }
    out.resize(used);
    return true;
}

}  // namespace

FileStamp FileStamp::of(const struct stat& info) {
    return {info.st_dev, info.st_ino, info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

std::optional<FileStamp> FileStamp::of(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    return of(info);
}

FileText read_file(const std::filesystem::path& path, size_t max_bytes) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat before {};
    if (file.get() < 0 || ::fstat(file.get(), &before) != 0) return failed_with(errno);
    const FileStamp stamp = FileStamp::of(before);
    if (!S_ISREG(before.st_mode)) return failed("is not a regular file", stamp);
    const std::string too_large = "is larger than " + std::to_string(max_bytes) + " bytes";
    if (static_cast<size_t>(before.st_size) > max_bytes) return failed(too_large, stamp);
    FileText read{FileText::Outcome::whole, {}, stamp, {}};
    if (!read_all(file.get(), static_cast<size_t>(before.st_size), max_bytes, read.text)) return failed_with(errno);
    if (read.text.size() > max_bytes) return failed(too_large, stamp);
    struct stat after {};
    const bool same = ::fstat(file.get(), &after) == 0 && FileStamp::of(after) == stamp && FileStamp::of(path) == stamp;
    if (!same) read.outcome = FileText::Outcome::changing;
    return read;
}

}  // namespace steelyard::manifests
