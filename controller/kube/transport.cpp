#include "controller/kube/transport.hpp"

namespace steelyard::kube {

std::string_view to_string(ApiErrorKind kind) {
    switch (kind) {
        case ApiErrorKind::unreachable:
            return "unreachable";
        case ApiErrorKind::timeout:
            return "timeout";
        case ApiErrorKind::unauthorized:
            return "unauthorized";
        case ApiErrorKind::forbidden:
            return "forbidden";
        case ApiErrorKind::not_found:
            return "not_found";
        case ApiErrorKind::conflict:
            return "conflict";
        case ApiErrorKind::gone:
            return "gone";
        case ApiErrorKind::throttled:
            return "throttled";
        case ApiErrorKind::server:
            return "server";
        case ApiErrorKind::status:
            return "status";
        case ApiErrorKind::malformed:
            return "malformed";
        case ApiErrorKind::credentials:
            return "credentials";
        case ApiErrorKind::stopped:
            break;
    }
    return "stopped";
}

bool is_transient(ApiErrorKind kind) {
    switch (kind) {
        case ApiErrorKind::unreachable:
        case ApiErrorKind::timeout:
        case ApiErrorKind::unauthorized:
        case ApiErrorKind::throttled:
        case ApiErrorKind::server:
        case ApiErrorKind::credentials:
            return true;
        default:
            return false;
    }
}

std::string ApiError::to_string() const {
    return status == 0 ? message : std::to_string(status) + (message.empty() ? "" : " " + message);
}

ApiErrorKind kind_of_status(int status) {
    if (status >= 500) return ApiErrorKind::server;
    switch (status) {
        case 401:
            return ApiErrorKind::unauthorized;
        case 403:
            return ApiErrorKind::forbidden;
        case 404:
            return ApiErrorKind::not_found;
        case 409:
            return ApiErrorKind::conflict;
        case 410:
            return ApiErrorKind::gone;
        case 429:
            return ApiErrorKind::throttled;
        default:
            return ApiErrorKind::status;
    }
}

}  // namespace steelyard::kube
