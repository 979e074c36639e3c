#include "common/files/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace steelyard::files {
namespace {

Error system_error(const std::string& path, const char* what) {
    return {path, std::string(what) + ": " + std::system_category().message(errno)};
}

class File {
public:
    explicit File(int fd) : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    explicit operator bool() const { return fd_ >= 0; }
    int fd() const { return fd_; }

private:
    int fd_;
};

Result<void> write_all(const File& file, const std::string& path, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(file.fd(), text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(path, "cannot be written");
        text.remove_prefix(static_cast<size_t>(n));
    }
    return {};
}

// The rename is in force without it, only not yet past a power cut.
void sync_directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    const File directory{::open(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(),
                                O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory) ::fsync(directory.fd());
}

}  // namespace

Result<std::optional<std::string>> read_text_file(const std::string& path, size_t most) {
    const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file) {
        if (errno == ENOENT) return std::optional<std::string>{};
        return system_error(path, "cannot be opened");
    }
    struct stat status {};
    if (::fstat(file.fd(), &status) != 0) return system_error(path, "cannot be read");
    if (!S_ISREG(status.st_mode)) return Error{path, "is not a regular file"};
    if (static_cast<uint64_t>(status.st_size) > most) {
        return Error{
            path, "is " + std::to_string(status.st_size) + " bytes; at most " + std::to_string(most) + " are allowed"};
    }
    std::string text(static_cast<size_t>(status.st_size), '\0');
    size_t have = 0;
    while (have < text.size()) {
        const ssize_t n = ::read(file.fd(), text.data() + have, text.size() - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(path, "cannot be read");
        if (n == 0) break;
        have += static_cast<size_t>(n);
    }
    text.resize(have);
    return std::optional<std::string>{std::move(text)};
}

Result<void> replace_text_file(const std::string& path, std::string_view text, Keep keep) {
    const bool durably = keep == Keep::durably;
    const std::string temporary = path + ".tmp";
    {
        const File file{
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, durably ? 0600 : 0644)};
        if (!file) return system_error(temporary, "cannot be created");
        if (durably && ::fchmod(file.fd(), 0600) != 0) return system_error(temporary, "cannot be made private");
        if (auto written = write_all(file, temporary, text); !written) return written;
        if (durably && ::fsync(file.fd()) != 0) return system_error(temporary, "cannot be synced");
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error(path, "cannot be replaced");
    if (durably) sync_directory_of(path);
    return {};
}

}  // namespace steelyard::files
