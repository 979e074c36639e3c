#include "controller/kube/reflector.hpp"

#include <malloc.h>

#include <utility>

#include "common/log.hpp"

namespace steelyard::kube {
namespace {

constexpr std::string_view kJson = "application/json";
// Without spec and status.
constexpr std::string_view kMetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr std::string_view kMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

// Characters that may stand in a query as they are (RFC 3986, unreserved); all others are escaped.
std::string escape(std::string_view text) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            std::string_view("-._~").find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

Milliseconds since(TimePoint from) { return std::chrono::duration_cast<Milliseconds>(Clock::now() - from); }

std::string readable(Milliseconds time) {
    if (time.count() < 1000) return fmt::format("{} ms", time.count());
    return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000.0);
}

}  // namespace

template <>
const KindSpec& kind_spec<Service>() {
    static constexpr KindSpec kSpec{"Services",
                                    "/api/v1/services",
                                    kJson,
                                    kJson,
                                    "no Service can be served until this is mended",
                                    "Services stay as they were last seen"};
    return kSpec;
}

template <>
const KindSpec& kind_spec<EndpointSlice>() {
    static constexpr KindSpec kSpec{"EndpointSlices",
                                    "/apis/discovery.k8s.io/v1/endpointslices",
                                    kJson,
                                    kJson,
                                    "no Service has endpoints until this is mended",
                                    "endpoints stay as they were last seen"};
    return kSpec;
}

template <>
const KindSpec& kind_spec<Pod>() {
    static constexpr KindSpec kSpec{"Pods",
                                    "/api/v1/pods",
                                    kMetadataList,
                                    kMetadata,
                                    "weights from pod annotations are unavailable",
                                    "weights from pod annotations stay as they were last seen"};
    return kSpec;
}

template <>
const KindSpec& kind_spec<Node>() {
    static constexpr KindSpec kSpec{"Nodes",
                                    "/api/v1/nodes",
                                    kMetadataList,
                                    kMetadata,
                                    "addresses whose VirtualIPAdvertisement has a nodeSelector are held by no node "
                                    "until there is the right to list and watch nodes",
                                    "nodes stay as they were last seen"};
    return kSpec;
}

template <>
const KindSpec& kind_spec<LoadBalancingPolicy>() {
    static constexpr KindSpec kSpec{"LoadBalancingPolicies",
                                    "/apis/steelyard.dev/v1alpha1/loadbalancingpolicies",
                                    kJson,
                                    kJson,
                                    "none is in force until there is the CustomResourceDefinition "
                                    "loadbalancingpolicies.steelyard.dev and the right to list them",
                                    "they stay as they were last seen"};
    return kSpec;
}

template <>
const KindSpec& kind_spec<AddressPool>() {
    static constexpr KindSpec kSpec{"AddressPools",
                                    "/apis/steelyard.dev/v1alpha1/addresspools",
                                    kJson,
                                    kJson,
                                    "no Service is given an address until there is the CustomResourceDefinition "
                                    "addresspools.steelyard.dev and the right to list them",
                                    "they stay as they were last seen"};
    return kSpec;
}

template <>
const KindSpec& kind_spec<VirtualIPAdvertisement>() {
    static constexpr KindSpec kSpec{"VirtualIPAdvertisements",
                                    "/apis/steelyard.dev/v1alpha1/virtualipadvertisements",
                                    kJson,
                                    kJson,
                                    "the defaults are in force until there is the CustomResourceDefinition "
                                    "virtualipadvertisements.steelyard.dev and the right to list them",
                                    "they stay as they were last seen"};
    return kSpec;
}

template <class T>
Reflector<T>::Reflector(Transport& transport, Handler<T>& handler, ReflectorTiming timing, Backoff::Random random,
                        Recovered recovered)
    : transport_(transport),
      handler_(handler),
      timing_(timing),
      recovered_(std::move(recovered)),
      core_(timing, std::move(random)) {
    stats_.kind = std::string(kind_spec<T>().name);
}

template <class T>
Reflector<T>::~Reflector() {
    stop();
}

template <class T>
void Reflector<T>::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

template <class T>
void Reflector<T>::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

template <class T>
KindStats Reflector<T>::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

template <class T>
void Reflector<T>::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const ReflectorCore::Step step = core_.next();
        const bool listing = std::holds_alternative<ReflectorCore::List>(step);
        const Failure failure = listing ? list_page(std::get<ReflectorCore::List>(step), stop)
                                        : watch(std::get<ReflectorCore::Watch>(step), stop);
        if (stop.stop_requested()) break;
        pause(after(failure, listing), failure, stop);
    }
}

template <class T>
std::optional<ApiError> Reflector<T>::list_page(const ReflectorCore::List& step, const std::stop_token& stop) {
    const KindSpec& spec = kind_spec<T>();
    if (step.continue_token.empty()) list_began_ = Clock::now();
    std::string target = fmt::format("{}?limit={}", spec.path, step.limit);
    if (!step.continue_token.empty()) target += "&continue=" + escape(step.continue_token);
    ApiResult<std::string> body = transport_.get({std::move(target), std::string(spec.list_accept)}, stop);
    if (!body) return body.error();
    if (step.continue_token.empty()) handler_.on_list_begin();
    std::vector<T> objects;
    objects.reserve(static_cast<size_t>(step.limit));
    const Result<ListMeta> page = decode_list<T>(*body, [&](T&& object) {
        if (is_usable(object)) objects.push_back(std::move(object));
    });
    if (!page) return ApiError{ApiErrorKind::malformed, 0, "the list cannot be read: " + page.error().to_string()};
    const size_t bytes = body->size();
    *body = std::string();  // the handler's copies and this page need not be in memory together
    const size_t count = objects.size();
    handler_.on_objects(std::move(objects));
    const bool complete = core_.on_page(page->resource_version, page->continue_token, bytes);
    if (complete) {
        handler_.on_list_end();
        malloc_trim(0);  // pages and their parsing are the largest memory there ever is: give it back
    }
    const std::lock_guard lock(mutex_);
    stats_.objects += count;
    if (complete) {
        ++stats_.lists;
        stats_.synced = true;
        stats_.last_list_took = since(list_began_);
    }
    return std::nullopt;
}

template <class T>
std::optional<ApiError> Reflector<T>::watch(const ReflectorCore::Watch& step, const std::stop_token& stop) {
    const KindSpec& spec = kind_spec<T>();
    std::string target = fmt::format("{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                                     spec.path, escape(step.resource_version), step.timeout_seconds);
    opened_ = {};
    ended_idle_ = false;
    ApiResult<std::unique_ptr<WatchStream>> stream =
        transport_.watch({std::move(target), std::string(spec.watch_accept)}, stop);
    if (!stream) return stream.error();
    opened_ = Clock::now();
    log_recovery();
    {
        const std::lock_guard lock(mutex_);
        ++stats_.watches;
        stats_.watching = true;
        stats_.last_error.clear();
    }
    Failure failure = read_events(**stream, stop);
    const std::lock_guard lock(mutex_);
    stats_.watching = false;
    return failure;
}

template <class T>
std::optional<ApiError> Reflector<T>::read_events(WatchStream& stream, const std::stop_token& stop) {
    while (true) {
        ApiResult<std::optional<std::string_view>> line = stream.next_line(timing_.idle_limit, stop);
        if (!line) {
            ended_idle_ = line.error().kind == ApiErrorKind::timeout;
            return line.error();
        }
        if (!line->has_value()) return std::nullopt;
        if ((*line)->empty()) continue;
        if (Failure failure = on_line(**line)) return failure;
    }
}

template <class T>
std::optional<ApiError> Reflector<T>::on_line(std::string_view line) {
    Result<WatchEvent<T>> event = decode_watch_event<T>(line);
    if (!event)
        return ApiError{ApiErrorKind::malformed, 0, "a watch event cannot be read: " + event.error().to_string()};
    if (event->type == EventType::error) {
        const int status = static_cast<int>(event->status.code);
        return ApiError{kind_of_status(status), status, std::move(event->status.message)};
    }
    const bool bookmark = event->type == EventType::bookmark;
    core_.on_progress(event->object.meta.resource_version);
    if (!bookmark) deliver(std::move(*event));
    const std::lock_guard lock(mutex_);
    ++(bookmark ? stats_.bookmarks : stats_.events);
    stats_.last_event = Clock::now();
    return std::nullopt;
}

template <class T>
void Reflector<T>::deliver(WatchEvent<T> event) {
    if (!is_usable(event.object)) return;
    if (event.type == EventType::deleted) {
        handler_.on_remove(event.object.meta.key());
    } else {
        handler_.on_upsert(std::move(event.object));
    }
}

// An object without a name, which decoding has noted as a problem, cannot be told from others.
template <class T>
bool Reflector<T>::is_usable(const T& object) {
    if (!object.meta.name.empty()) return true;
    const std::lock_guard lock(mutex_);
    if (++stats_.errors["unnamed"] == 1) {
        log::warn("{}: an object in namespace '{}': {}", kind_spec<T>().name, object.meta.ns,
                  object.problems.front().to_string());
    }
    return false;
}

// What became of a step: counts, logs, and says how long to wait before the next.
template <class T>
Milliseconds Reflector<T>::after(const Failure& failure, bool was_listing) {
    if (!failure) return was_listing ? Milliseconds(0) : core_.on_watch_end(since(opened_));
    const Milliseconds lived = was_listing || opened_ == TimePoint{} ? Milliseconds(0) : since(opened_);
    if (!was_listing && ended_idle_) {
        // Nothing for two minutes is what a quiet cluster and a dead connection look like alike: replace it, say
        // nothing.
        const std::lock_guard lock(mutex_);
        ++stats_.errors["idle"];
        return core_.on_watch_end(lived);
    }
    const Milliseconds wait = core_.on_error(*failure, lived);
    {
        const std::lock_guard lock(mutex_);
        ++stats_.errors[std::string(to_string(failure->kind))];
        stats_.last_error = failure->to_string();
    }
    log_failure(*failure, was_listing, wait);
    return wait;
}

template <class T>
void Reflector<T>::log_failure(const ApiError& error, bool was_listing, Milliseconds wait) {
    std::string state = fmt::format("{} {}", to_string(error.kind), error.status);
    if (state == logged_) return;
    logged_ = std::move(state);
    const KindSpec& spec = kind_spec<T>();
    if (error.kind == ApiErrorKind::gone) {
        log::info("{}: {}: {}; listing all of them anew", spec.name, was_listing ? "list" : "watch", error.to_string());
        return;
    }
    log::warn("{}: {}: {}; {}; retrying in {}, then at growing intervals", spec.name, was_listing ? "list" : "watch",
              error.to_string(), stats().synced ? spec.when_known : spec.when_unknown, readable(wait));
}

template <class T>
void Reflector<T>::log_recovery() {
    if (logged_.empty()) return;
    logged_.clear();
    log::info("{}: watching again", kind_spec<T>().name);
    if (recovered_) recovered_();
}

template <class T>
void Reflector<T>::nudge() {
    const std::lock_guard lock(pause_mutex_);
    if (!waits_for_server_) return;
    nudged_ = true;
    wake_.notify_all();
}

template <class T>
void Reflector<T>::pause(Milliseconds time, const Failure& failure, const std::stop_token& stop) {
    if (time.count() <= 0) return;
    std::unique_lock lock(pause_mutex_);
    waits_for_server_ = failure && is_transient(failure->kind);
    wake_.wait_for(lock, stop, time, [this] { return nudged_; });
    waits_for_server_ = nudged_ = false;
}

template class Reflector<Service>;
template class Reflector<EndpointSlice>;
template class Reflector<Pod>;
template class Reflector<Node>;
template class Reflector<LoadBalancingPolicy>;
template class Reflector<AddressPool>;
template class Reflector<VirtualIPAdvertisement>;

}  // namespace steelyard::kube
