#pragma once
// The bearer token of the next request. A token file is looked at before every request (stat) and read again when it
// changed, when a minute has passed, or after the server refused the token; a file that cannot be read leaves the last
// good token in force. Thread-safe.
#include <filesystem>
#include <mutex>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace steelyard::kube {

class TokenSource {
public:
    // `file` wins over `fixed`; both may be empty (no token).
    TokenSource(std::string fixed, std::string file) : fixed_(std::move(fixed)), file_(std::move(file)) {}

    // Empty: send none. An error only when no token was ever read.
    Result<std::string> current(TimePoint now);

    // The server said 401: read the file again at the next request.
    void refused();

private:
    Result<void> read(TimePoint now);

    const std::string fixed_;
    const std::string file_;
    std::mutex mutex_;
    std::string token_;
    TimePoint read_at_{};
    std::filesystem::file_time_type written_{};
    bool must_read_ = true;
};

}  // namespace steelyard::kube
