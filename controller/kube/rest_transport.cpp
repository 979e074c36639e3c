#include "controller/kube/rest_transport.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "controller/kube/rest_session.hpp"

namespace steelyard::kube {
namespace {

constexpr size_t kMaxLine = 16U * 1024 * 1024;  // etcd refuses objects of more than 1.5 MB

class RestWatchStream final : public WatchStream {
public:
    explicit RestWatchStream(std::unique_ptr<RestAnswer> answer) : answer_(std::move(answer)) {}

    ApiResult<std::optional<std::string_view>> next_line(Milliseconds idle_limit,
                                                         const std::stop_token& stop) override {
        while (true) {
            if (const size_t end = buffer_.find('\n', searched_); end != std::string::npos) {
                const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
                begin_ = searched_ = end + 1;
                return std::optional(line);
            }
            buffer_.erase(0, begin_);
            begin_ = 0;
            searched_ = buffer_.size();
            if (buffer_.capacity() > kKeep && buffer_.size() < kKeep) buffer_.shrink_to_fit();
            if (buffer_.size() > kMaxLine)
                return ApiError{ApiErrorKind::malformed, 0, "a watch event of more than 16 MB"};
            ApiResult<bool> more = answer_->read(buffer_, idle_limit, stop);
            if (!more) return more.error();
            if (!*more) {
                if (buffer_.empty()) return std::optional<std::string_view>();
                return ApiError{ApiErrorKind::unreachable, 0, "the watch ended within an event"};
            }
        }
    }

private:
    static constexpr size_t kKeep = 256U * 1024;

    std::unique_ptr<RestAnswer> answer_;
    std::string buffer_;
    size_t begin_ = 0;     // of the line that is not yet given out
    size_t searched_ = 0;  // no line end before here
};

class RestTransport final : public Transport {
public:
    explicit RestTransport(std::unique_ptr<RestSession> session) : session_(std::move(session)) {}

    ApiResult<std::string> get(const ApiRequest& request, const std::stop_token& stop) override {
        return session_->fetch(to_get(request), stop);
    }

    ApiResult<std::unique_ptr<WatchStream>> watch(const ApiRequest& request, const std::stop_token& stop) override {
        ApiResult<std::unique_ptr<RestAnswer>> answer = session_->send(to_get(request), stop);
        if (!answer) return answer.error();
        return std::unique_ptr<WatchStream>(std::make_unique<RestWatchStream>(std::move(*answer)));
    }

private:
    static RestRequest to_get(const ApiRequest& request) {
        return {.method = "GET", .target = request.target, .accept = request.accept};
    }

    std::unique_ptr<RestSession> session_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_rest_transport(const ClusterConfig& config) {
    auto session = make_rest_session(config, kRestLimit);
    if (!session) return session.error();
    return std::unique_ptr<Transport>(std::make_unique<RestTransport>(std::move(*session)));
}

}  // namespace steelyard::kube
