#pragma once
// How reflectors reach the API server: whole answers and line streams, each call interruptible. The one implementation
// that has a network is rest_transport.hpp; tests bring their own.
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/clock.hpp"

namespace steelyard::kube {

enum class ApiErrorKind : uint8_t {
    unreachable,   // no connection, or it broke
    timeout,       // nothing came in time
    unauthorized,  // 401
    forbidden,     // 403
    not_found,     // 404
    conflict,      // 409: somebody else wrote it first, or it exists already
    gone,          // 410: the resource version or continue token is too old
    throttled,     // 429
    server,        // 5xx
    status,        // any other status that is no success
    malformed,     // the answer is not what the API promises
    credentials,   // ours cannot be read
    stopped,       // by the stop token
};

std::string_view to_string(ApiErrorKind kind);  // the name above: a metric's label
bool is_transient(ApiErrorKind kind);  // the same request may well succeed once the server, or our token, is mended

struct ApiError {
    ApiErrorKind kind = ApiErrorKind::unreachable;
    int status = 0;       // of HTTP, 0 when there was none
    std::string message;  // the API server's own where it gave one
    std::optional<Milliseconds> retry_after = std::nullopt;

    std::string to_string() const;  // "403 pods is forbidden: ..."
};

ApiErrorKind kind_of_status(int status);

// A value or an ApiError.
template <class T>
class [[nodiscard]] ApiResult {
public:
    ApiResult(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT: implicit by intent
    ApiResult(ApiError error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by intent

    explicit operator bool() const { return state_.index() == 0; }
    T& operator*() { return std::get<0>(state_); }
    const T& operator*() const { return std::get<0>(state_); }
    T* operator->() { return &std::get<0>(state_); }
    const ApiError& error() const { return std::get<1>(state_); }

private:
    std::variant<T, ApiError> state_;
};

struct ApiRequest {
    std::string target;  // path and query
    std::string accept = "application/json";
};

// The lines of one watch. Not thread-safe; destroying it cancels the request.
class WatchStream {
public:
    virtual ~WatchStream() = default;
    // The next line without its end, valid until the next call; nullopt: the server ended the stream in good order.
    // Waits at most `idle_limit` for the line's next byte.
    virtual ApiResult<std::optional<std::string_view>> next_line(Milliseconds idle_limit,
                                                                 const std::stop_token& stop) = 0;
};

// Thread-safe: reflectors share one.
class Transport {
public:
    virtual ~Transport() = default;
    // The whole body of a 200 answer.
    virtual ApiResult<std::string> get(const ApiRequest& request, const std::stop_token& stop) = 0;
    virtual ApiResult<std::unique_ptr<WatchStream>> watch(const ApiRequest& request, const std::stop_token& stop) = 0;
};

}  // namespace steelyard::kube
