#pragma once
// Where lines go: a file, a pipe, a terminal, a socket. Writing waits for nobody but a disk: a pipe or a socket that is full
// says so. One thread.
#include <string>

#include "common/result.hpp"
#include "sidecar/access_log/options.hpp"
#include "sidecar/access_log/ring.hpp"
#include "sidecar/reactor/fd.hpp"

namespace steelyard::access_log {

class Sink {
public:
    // A file is made when it is not there (mode 0640, the umask applies), and appended to. A FIFO needs no reader. The error's
    // `where` is the path.
    static Result<Sink> open(const Options& options);

    enum class Status : uint8_t { ok, would_block, failed };
    struct Written {
        Status status = Status::ok;
        size_t bytes = 0;
        int error = 0;  // failed: errno
    };
    // Writes from the front of `lines`. To a pipe go whole lines, each at once, as other processes may write to it too.
    Written write(const Ring::Filled& lines) const;
    const std::string& name() const { return name_; }

private:
    enum class Kind : uint8_t { file, pipe, socket };
    Sink(std::string name, UniqueFd fd, Kind kind) : name_(std::move(name)), fd_(std::move(fd)), kind_(kind) {}
    bool has_room() const;

    std::string name_;
    UniqueFd fd_;
    Kind kind_;
};

}  // namespace steelyard::access_log
