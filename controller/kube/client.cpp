#include "controller/kube/client.hpp"

#include <utility>

#include "controller/kube/rest_session.hpp"

namespace steelyard::kube {
namespace {

class RestClient final : public Client {
public:
    RestClient(std::unique_ptr<RestSession> session, Milliseconds limit)
        : session_(std::move(session)), limit_(limit) {}

    ApiResult<std::string> get(const std::string& target, const std::stop_token& stop) override {
        return session_->fetch({.method = "GET", .target = target}, stop, limit_);
    }
    ApiResult<std::string> create(const std::string& target, const std::string& body,
                                  const std::stop_token& stop) override {
        return send("POST", target, body, "application/json", stop);
    }
    ApiResult<std::string> replace(const std::string& target, const std::string& body,
                                   const std::stop_token& stop) override {
        return send("PUT", target, body, "application/json", stop);
    }
    ApiResult<std::string> patch(const std::string& target, const std::string& body, std::string_view content_type,
                                 const std::stop_token& stop) override {
        return send("PATCH", target, body, content_type, stop);
    }
    ApiResult<std::string> remove(const std::string& target, const std::string& options,
                                  const std::stop_token& stop) override {
        return send("DELETE", target, options, "application/json", stop);
    }

private:
    ApiResult<std::string> send(const char* method, const std::string& target, const std::string& body,
                                std::string_view content_type, const std::stop_token& stop) {
        return session_->fetch(
            {.method = method, .target = target, .content_type = std::string(content_type), .body = body}, stop,
            limit_);
    }

    std::unique_ptr<RestSession> session_;
    const Milliseconds limit_;
};

}  // namespace

Result<std::unique_ptr<Client>> make_client(const ClusterConfig& config, Milliseconds limit) {
    auto session = make_rest_session(config, limit);
    if (!session) return session.error();
    return std::unique_ptr<Client>(std::make_unique<RestClient>(std::move(*session), limit));
}

}  // namespace steelyard::kube
