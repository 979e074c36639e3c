#include "controller/kube/token_source.hpp"

#include <fstream>
#include <iterator>
#include <system_error>

namespace steelyard::kube {
namespace {

constexpr auto kReadAgainAfter = std::chrono::minutes(1);
constexpr size_t kMaxTokenBytes = 64u << 10;

std::string trim(const std::string& text) {
    static constexpr const char* kSpace = " \t\r\n";
    const size_t begin = text.find_first_not_of(kSpace);
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Result<void> TokenSource::read(TimePoint now) {
    std::ifstream in(file_, std::ios::binary);
    if (!in) return Error{file_, "the token file cannot be read"};
    std::string text(kMaxTokenBytes, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    text = trim(text);
    if (text.empty()) return Error{file_, "the token file is empty"};
    if (text.find_first_of(" \t\r\n") != std::string::npos)
        return Error{file_, "the token file holds more than one word"};
    token_ = std::move(text);
    read_at_ = now;
    must_read_ = false;
    return {};
}

Result<std::string> TokenSource::current(TimePoint now) {
    if (file_.empty()) return fixed_;
    const std::lock_guard lock(mutex_);
    std::error_code error;
    const auto written = std::filesystem::last_write_time(file_, error);
    if (must_read_ || (!error && written != written_) || now - read_at_ >= kReadAgainAfter) {
        const Result<void> result = read(now);
        if (!result && token_.empty()) return result.error();
        if (result && !error) written_ = written;
    }
    return token_;
}

void TokenSource::refused() {
    const std::lock_guard lock(mutex_);
    must_read_ = true;
}

}  // namespace steelyard::kube
