#include "controller/loadbalancer/writer.hpp"

#include <utility>

#include "controller/kube/client.hpp"
#include "controller/kube/decode.hpp"
#include "controller/loadbalancer/advertisements.hpp"

namespace steelyard::loadbalancer {
namespace {

constexpr int kMaxSteps = 12;  // of one Service: three in good order, more when others write it as well
constexpr const char* kSurvey = "Services";

using kube::ApiError;
using kube::ApiErrorKind;

std::string id_of(const kube::ObjectKey& key) { return "Service " + key.to_string(); }

// The tokens of the API server are base64, whose '+', '/' and '=' mean something else in a query.
std::string escaped(std::string_view token) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : token) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_') {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 15U];
        }
    }
    return out;
}

// A list that breaks off is begun again, whatever the reason: without it nobody gets an address.
ApiError to_be_repeated(ApiError error) {
    const bool kept =
        is_transient(error.kind) || error.kind == ApiErrorKind::forbidden || error.kind == ApiErrorKind::stopped;
    if (!kept) error.kind = ApiErrorKind::server;
    return error;
}

kube::ApiResult<std::vector<kube::Service>> list(kube::Client& client, const std::stop_token& stop) {
    std::vector<kube::Service> found;
    std::string token;
    do {
        const std::string target = "/api/v1/services?limit=500" + (token.empty() ? "" : "&continue=" + escaped(token));
        const auto page = client.get(target, stop);
        if (!page) return to_be_repeated(page.error());
        const auto read = kube::decode_list<kube::Service>(*page, [&](kube::Service&& service) {
            if (service.balancer && (service.balancer->has_finalizer() || !addresses_of(service).empty()))
                found.push_back(std::move(service));
        });
        if (!read) return ApiError{ApiErrorKind::server, 0, "the list cannot be read: " + read.error().to_string()};
        token = read->continue_token;
    } while (!token.empty());
    return found;
}

}  // namespace

Writer::Writer(kube::Client& client, std::function<bool()> is_leader, status::WriterOptions options)
    : client_(client),
      is_leader_(std::move(is_leader)),
      worker_(is_leader_, options, "the addresses of load balancers", "they stay as they are meanwhile") {}

void Writer::survey(OnSurvey tell) {
    worker_.put(kSurvey, [this, tell = std::move(tell)](const std::stop_token& stop) -> std::optional<ApiError> {
        auto found = list(client_, stop);
        if (!found) return found.error();
        tell(std::move(*found));
        return std::nullopt;
    });
}

void Writer::offer(const kube::ObjectKey& key, const Wanted& wanted) {
    worker_.put(id_of(key), [this, key, wanted](const std::stop_token& stop) { return bring(key, wanted, stop); });
}

void Writer::withdraw(const kube::ObjectKey& key) { worker_.withdraw(id_of(key)); }

std::optional<ApiError> Writer::bring(const kube::ObjectKey& key, const Wanted& wanted,
                                      const std::stop_token& stop) const {
    const std::string target = "/api/v1/namespaces/" + key.ns + "/services/" + key.name;
    auto object = client_.get(target, stop);
    for (int step = 0; object && step < kMaxSteps; ++step) {
        const auto write = next_write(*object, wanted);
        if (!write) return std::nullopt;
        if (!is_leader_()) return ApiError{ApiErrorKind::stopped, 0, "we do not lead any more"};
        object = client_.patch(write->target, write->body, write->content, stop);
        if (!object && object.error().kind == ApiErrorKind::conflict) object = client_.get(target, stop);
    }
    if (!object) return object.error();
    return ApiError{ApiErrorKind::conflict, 0, "it is changed by somebody else all the time"};
}

}  // namespace steelyard::loadbalancer
