#pragma once
// Requests to the API server: HTTP/1.1 over TLS by cpprestsdk, bearer token or client certificate. What is known of that
// library stays in the .cpp; rest_transport.cpp (reading) and client.cpp (writing) share what is here. Thread-safe.
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "controller/kube/config.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::kube {

inline constexpr Milliseconds kRestLimit{20'000};  // for an answer's head; then between two reads of its body

struct RestRequest {
    std::string method;
    std::string target;
    std::string accept = "application/json";
    std::string content_type{};  // empty: no body
    std::string body{};
};

// An answer whose body is still coming. Not thread-safe; destroying it cancels the request.
class RestAnswer {
public:
    virtual ~RestAnswer() = default;
    // Appends what has come, waiting for at least one byte. False: the body is complete.
    virtual ApiResult<bool> read(std::string& out, Milliseconds limit, const std::stop_token& stop) = 0;
};

class RestSession {
public:
    virtual ~RestSession() = default;
    // The answer, once its head says success (200, 201, 202); else the error it stands for.
    virtual ApiResult<std::unique_ptr<RestAnswer>> send(const RestRequest& request, const std::stop_token& stop) = 0;
    // The whole body of such an answer. `limit`: for all of it; without, between two reads of it.
    ApiResult<std::string> fetch(const RestRequest& request, const std::stop_token& stop,
                                 std::optional<Milliseconds> limit = std::nullopt);
};

// `head_limit`: how long an answer's head may take, connecting included. Fails when a certificate or key cannot be used.
// Does not connect. Cancels what is in flight when it is destroyed.
Result<std::unique_ptr<RestSession>> make_rest_session(const ClusterConfig& config, Milliseconds head_limit);

}  // namespace steelyard::kube
