#pragma once
// What writes to the API server: one object a call, JSON text in and out. Calls block, until the answer, the limit or the
// stop token, so they belong on a thread of their own, never on an io_context's. Thread-safe. The caller retries: after
// `conflict` with what it read anew, after is_transient() with back-off (backoff.hpp).
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "controller/kube/config.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::kube {

inline constexpr std::string_view kMergePatch = "application/merge-patch+json";
inline constexpr std::string_view kJsonPatch = "application/json-patch+json";
inline constexpr std::string_view kStrategicMergePatch = "application/strategic-merge-patch+json";

class Client {
public:
    virtual ~Client() = default;
    // `target` is path and query: "/api/v1/namespaces/web/secrets/tls". The result is the object as it is now.
    virtual ApiResult<std::string> get(const std::string& target, const std::stop_token& stop) = 0;
    // POST to the collection. An object of this name that exists already is a `conflict`.
    virtual ApiResult<std::string> create(const std::string& target, const std::string& body,
                                          const std::stop_token& stop) = 0;
    // PUT. A metadata.resourceVersion in `body` that is not the newest is a `conflict`.
    virtual ApiResult<std::string> replace(const std::string& target, const std::string& body,
                                           const std::stop_token& stop) = 0;
    virtual ApiResult<std::string> patch(const std::string& target, const std::string& body,
                                         std::string_view content_type, const std::stop_token& stop) = 0;
    // DELETE with these DeleteOptions: a precondition that does not hold is a `conflict`. Few clients have to.
    virtual ApiResult<std::string> remove(const std::string& /*target*/, const std::string& /*options*/,
                                          const std::stop_token& /*stop*/) {
        return ApiError{ApiErrorKind::status, 405, "this client deletes nothing"};
    }
};

// `limit`: how long an answer may take. Fails when a certificate or key cannot be used; does not connect.
Result<std::unique_ptr<Client>> make_client(const ClusterConfig& config, Milliseconds limit = Milliseconds(20'000));

}  // namespace steelyard::kube
