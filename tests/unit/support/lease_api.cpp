#include "tests/unit/support/lease_api.hpp"

#include <algorithm>
#include <utility>

#include "controller/kube/work_thread.hpp"

namespace steelyard::test {
namespace {

using kube::ApiError;
using kube::ApiErrorKind;
using nlohmann::json;

const ApiError kNone{ApiErrorKind::not_found, 404, "none"};
const ApiError kModified{ApiErrorKind::conflict, 409, "modified"};

std::string name_in(const std::string& target) { return target.substr(target.rfind('/') + 1); }

std::string parameter(const std::string& target, const std::string& name) {
    const size_t at = target.find(name + "=");
    if (at == std::string::npos) return {};
    const size_t begin = at + name.size() + 1;
    return target.substr(begin, target.find('&', begin) - begin);
}

class Stream final : public kube::WatchStream {
public:
    Stream(LeaseServer& server, const std::string& version) : server_(server) {
        position_ = server.position_of(version, first_);
    }
    kube::ApiResult<std::optional<std::string_view>> next_line(Milliseconds limit,
                                                               const std::stop_token& stop) override {
        if (told_ < first_.size()) return std::optional<std::string_view>(first_[told_++]);
        auto line = server_.line(position_, stop, limit);
        if (!line && stop.stop_requested()) return ApiError{ApiErrorKind::stopped, 0, "stopped"};
        if (!line) return ApiError{ApiErrorKind::timeout, 0, "nothing"};
        line_ = std::move(*line);
        return std::optional<std::string_view>(line_);
    }

private:
    LeaseServer& server_;
    std::vector<std::string> first_;
    size_t told_ = 0, position_ = 0;
    std::string line_;
};

}  // namespace

LeaseServer::Answer LeaseServer::get(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(name);
    if (found == leases_.end()) return kNone;
    return found->second.dump();
}

LeaseServer::Answer LeaseServer::list() {
    const std::lock_guard lock(mutex_);
    json out{{"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", json::array()}};
    for (const auto& [name, lease] : leases_) out["items"].push_back(lease);
    return out.dump();
}

LeaseServer::Answer LeaseServer::create(const std::string& body) {
    const std::lock_guard lock(mutex_);
    json object = json::parse(body);
    if (leases_.count(object["metadata"]["name"]) != 0) return ApiError{ApiErrorKind::conflict, 409, "exists"};
    return store(std::move(object), "ADDED");
}

LeaseServer::Answer LeaseServer::replace(const std::string& body) {
    const std::lock_guard lock(mutex_);
    json object = json::parse(body);
    const auto found = leases_.find(object["metadata"]["name"]);
    if (found == leases_.end()) return kNone;
    if (object["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"]) return kModified;
    return store(std::move(object), "MODIFIED");
}

LeaseServer::Answer LeaseServer::remove(const std::string& name, const std::string& version) {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(name);
    if (found == leases_.end()) return kNone;
    if (!version.empty() && found->second["metadata"]["resourceVersion"] != version) return kModified;
    json last = std::move(found->second);
    leases_.erase(found);
    last["metadata"]["resourceVersion"] = std::to_string(++version_);
    tell("DELETED", last);
    return last.dump();
}

std::string LeaseServer::holder(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(name);
    return found == leases_.end() ? "" : found->second["spec"]["holderIdentity"].get<std::string>();
}

size_t LeaseServer::position_of(const std::string& version, std::vector<std::string>& first) {
    const std::lock_guard lock(mutex_);
    if (version.empty()) {
        for (const auto& [name, lease] : leases_) first.push_back(json{{"type", "ADDED"}, {"object", lease}}.dump());
        return events_.size();
    }
    const auto next = std::partition_point(events_.begin(), events_.end(),
                                           [seen = std::stoull(version)](const Event& e) { return e.version <= seen; });
    return static_cast<size_t>(next - events_.begin());
}

std::optional<std::string> LeaseServer::line(size_t& position, const std::stop_token& stop, Milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, stop, limit, [&] { return position < events_.size(); })) return std::nullopt;
    return events_[position++].line;
}

std::string LeaseServer::store(json object, const char* type) {
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    json& kept = leases_[object["metadata"]["name"]];
    kept = std::move(object);
    tell(type, kept);
    return kept.dump();
}

void LeaseServer::tell(const char* type, const json& object) {
    events_.push_back({version_, json{{"type", type}, {"object", object}}.dump()});
    changed_.notify_all();
}

LeaseLink::Answer LeaseLink::get(const std::string& target, const std::stop_token& stop) {
    if (auto error = trouble(stop)) return *error;
    return server_.get(name_in(target));
}

LeaseLink::Answer LeaseLink::create(const std::string&, const std::string& body, const std::stop_token& stop) {
    if (auto error = trouble(stop)) return *error;
    return server_.create(body);
}

LeaseLink::Answer LeaseLink::replace(const std::string&, const std::string& body, const std::stop_token& stop) {
    if (auto error = trouble(stop)) return *error;
    return server_.replace(body);
}

LeaseLink::Answer LeaseLink::remove(const std::string& target, const std::string& options,
                                    const std::stop_token& stop) {
    if (auto error = trouble(stop)) return *error;
    return server_.remove(name_in(target), json::parse(options)["preconditions"]["resourceVersion"]);
}

LeaseLink::Answer LeaseLink::get(const kube::ApiRequest&, const std::stop_token& stop) {
    if (auto error = trouble(stop)) return *error;
    return server_.list();
}

kube::ApiResult<std::unique_ptr<kube::WatchStream>> LeaseLink::watch(const kube::ApiRequest& request,
                                                                     const std::stop_token& stop) {
    if (auto error = trouble(stop)) return *error;
    return std::unique_ptr<kube::WatchStream>(
        std::make_unique<Stream>(server_, parameter(request.target, "resourceVersion")));
}

std::optional<ApiError> LeaseLink::trouble(const std::stop_token& stop) const {
    if (down) return ApiError{ApiErrorKind::unreachable, 0, "refused"};
    if (!cut) return std::nullopt;
    kube::WorkThread::sleep(limit_, stop);
    return ApiError{stop.stop_requested() ? ApiErrorKind::stopped : ApiErrorKind::timeout, 0, "no answer"};
}

}  // namespace steelyard::test
