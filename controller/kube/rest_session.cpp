#include "controller/kube/rest_session.hpp"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "controller/kube/decode.hpp"
#include "controller/kube/tls_context.hpp"
#include "controller/kube/token_source.hpp"

namespace steelyard::kube {
namespace {

namespace http = web::http;
using ByteBuffer = concurrency::streams::streambuf<uint8_t>;

constexpr size_t kMaxBody = 256U * 1024 * 1024;
constexpr size_t kMaxErrorBody = 64U * 1024;
constexpr size_t kThreads = 2;  // of the library's pool: they only move bytes

enum class Waited : uint8_t { done, late, stopped };

// Waits for a task of the library without being at its mercy: until `limit` passes or a stop is asked for. The state is
// shared with the continuation, so an abandoned task may finish whenever it likes.
template <class T>
Waited wait_for(const pplx::task<T>& task, Milliseconds limit, const std::stop_token& stop) {
    if (task.is_done()) return Waited::done;
    struct State {
        std::mutex mutex;
        std::condition_variable_any changed;
        bool done = false;
    };
    auto state = std::make_shared<State>();
    task.then([state](const pplx::task<T>& finished) {
        try {
            finished.wait();
        } catch (...) {  // seen again, and reported, by whoever takes the task's value
        }
        const std::lock_guard lock(state->mutex);
        state->done = true;
        state->changed.notify_all();
    });
    std::unique_lock lock(state->mutex);
    if (state->changed.wait_for(lock, stop, limit, [&] { return state->done; })) return Waited::done;
    return stop.stop_requested() ? Waited::stopped : Waited::late;
}

ApiError not_in_time(Waited waited, const char* what, Milliseconds limit) {
    if (waited == Waited::stopped) return {ApiErrorKind::stopped, 0, "stopped"};
    return {ApiErrorKind::timeout, 0, std::string(what) + " within " + std::to_string(limit.count() / 1000) + " s"};
}

ApiError broken(const std::string& what, const std::exception& error) {
    std::string message = what + ": " + error.what();
    if (message.find("SSL handshake") != std::string::npos) {
        message += " (is its certificate signed by the configured CA and for this name, and does it accept ours?)";
    }
    return {ApiErrorKind::unreachable, 0, std::move(message)};
}

// An answer whose body is still coming. Cancels the request when it goes.
class Answer final : public RestAnswer {
public:
    Answer(std::string server, http::http_response response, pplx::cancellation_token_source cancel)
        : server_(std::move(server)),
          response_(std::move(response)),
          cancel_(std::move(cancel)),
          bytes_(response_.body().streambuf()) {}
    ~Answer() override {
        if (!ended_) cancel_.cancel();
    }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    const http::http_response& response() const { return response_; }

    ApiResult<bool> read(std::string& out, Milliseconds limit, const std::stop_token& stop) override {
        try {
            const pplx::task<ByteBuffer::int_type> first = bytes_.getc();
            const Waited waited = wait_for(first, limit, stop);
            if (waited != Waited::done) return not_in_time(waited, "nothing was received", limit);
            if (first.get() == ByteBuffer::traits::eof()) return end(limit, stop);
            const size_t size = std::max<size_t>(1, bytes_.in_avail());
            const size_t before = out.size();
            out.resize(before + size);
            // These bytes are there already: this does not wait.
            const size_t got = bytes_.getn(reinterpret_cast<uint8_t*>(out.data() + before), size).get();
            out.resize(before + got);
            return true;
        } catch (const std::exception& error) {
            return broken("the connection to " + server_ + " was lost", error);
        }
    }

private:
    // The bytes are at their end: in good order, or because the connection broke (get() throws then)?
    ApiResult<bool> end(Milliseconds limit, const std::stop_token& stop) {
        const pplx::task<http::http_response> ready = response_.content_ready();
        const Waited waited = wait_for(ready, limit, stop);
        if (waited != Waited::done) return not_in_time(waited, "the answer did not end", limit);
        ready.get();
        ended_ = true;
        return false;
    }

    std::string server_;
    http::http_response response_;
    pplx::cancellation_token_source cancel_;
    ByteBuffer bytes_;
    bool ended_ = false;
};

class CpprestSession final : public RestSession {
public:
    CpprestSession(const ClusterConfig& config, Milliseconds head_limit, std::shared_ptr<TlsContext> tls)
        : config_(config),
          head_limit_(head_limit),
          token_(config.token, config.token_file),
          client_(config.server, client_config(config, std::move(tls))) {}

    ApiResult<std::unique_ptr<RestAnswer>> send(const RestRequest& request, const std::stop_token& stop) override {
        const Result<std::string> token = token_.current(Clock::now());
        if (!token) return ApiError{ApiErrorKind::credentials, 0, token.error().to_string()};
        pplx::cancellation_token_source cancel;
        try {
            http::http_request message(request.method);
            message.set_request_uri(web::uri(request.target));
            message.headers().add(http::header_names::accept, request.accept);
            message.headers().add(http::header_names::user_agent, "steelyard-controller/" STEELYARD_VERSION);
            if (!token->empty()) message.headers().add(http::header_names::authorization, "Bearer " + *token);
            if (!request.content_type.empty()) {
                message.set_body(request.body, request.content_type);
                message.headers().set_content_type(request.content_type);  // without the charset the library adds
            }
            // The library takes the name that it verifies, and sends as SNI, from here.
            if (!config_.tls_server_name.empty())
                message.headers().add(http::header_names::host, config_.tls_server_name);
            const pplx::task<http::http_response> head = client_.request(message, cancel.get_token());
            const Waited waited = wait_for(head, head_limit_, stop);
            if (waited != Waited::done) {
                cancel.cancel();
                return not_in_time(waited, (config_.server + ": no answer").c_str(), head_limit_);
            }
            auto answer = std::make_unique<Answer>(config_.server, head.get(), cancel);
            switch (answer->response().status_code()) {
                case http::status_codes::OK:
                case http::status_codes::Created:
                case http::status_codes::Accepted:
                    return std::unique_ptr<RestAnswer>(std::move(answer));
                default:
                    return refusal(*answer, stop);
            }
        } catch (const std::exception& error) {
            cancel.cancel();
            return broken(config_.server + " cannot be reached", error);
        }
    }

private:
    static http::client::http_client_config client_config(const ClusterConfig& config,
                                                          std::shared_ptr<TlsContext> tls) {
        http::client::http_client_config out;
        out.set_timeout(std::chrono::hours(1));  // deadlines are ours, see wait_for
        out.set_max_redirects(0);                // a redirect would carry the token elsewhere
        out.set_validate_certificates(!config.insecure_skip_tls_verify);
        out.set_ssl_context_callback([tls = std::move(tls)](boost::asio::ssl::context& context) {
            if (const Result<void> done = tls->put_into(context); !done) {
                throw http::http_exception(done.error().to_string());
            }
        });
        return out;
    }

    ApiError refusal(Answer& answer, const std::stop_token& stop) {
        ApiError error;
        error.status = answer.response().status_code();
        error.kind = kind_of_status(error.status);
        if (error.kind == ApiErrorKind::unauthorized) token_.refused();
        std::string body;
        while (body.size() < kMaxErrorBody) {
            ApiResult<bool> more = answer.read(body, kRestLimit, stop);
            if (!more || !*more) break;  // what there is of the reason will do
        }
        error.message = decode_status(body).message;
        if (error.message.empty()) error.message = answer.response().reason_phrase();
        const auto& headers = answer.response().headers();
        if (const auto found = headers.find(http::header_names::retry_after); found != headers.end()) {
            int64_t seconds = 0;
            const std::string& text = found->second;
            if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec == std::errc{} && seconds > 0) {
                error.retry_after = std::chrono::seconds(std::min<int64_t>(seconds, 3600));
            }
        }
        return error;
    }

    const ClusterConfig config_;
    const Milliseconds head_limit_;  // from the request to the answer's head, connecting included
    TokenSource token_;
    http::client::http_client client_;
};

// The pool has forty threads unless told otherwise before its first use.
void start_thread_pool() {
    static std::once_flag once;
    std::call_once(once, [] {
        try {
            crossplat::threadpool::initialize_with_threads(kThreads);
        } catch (const std::exception&) {  // it runs already, which will do
        }
    });
}

}  // namespace

ApiResult<std::string> RestSession::fetch(const RestRequest& request, const std::stop_token& stop,
                                          std::optional<Milliseconds> limit) {
    const TimePoint began = Clock::now();
    ApiResult<std::unique_ptr<RestAnswer>> answer = send(request, stop);
    if (!answer) return answer.error();
    std::string body;
    while (true) {
        Milliseconds patience = kRestLimit;
        if (limit) patience = std::max(Milliseconds(1), std::chrono::ceil<Milliseconds>(began + *limit - Clock::now()));
        ApiResult<bool> more = (*answer)->read(body, patience, stop);
        if (!more) return more.error();
        if (!*more) return body;
        if (body.size() > kMaxBody) return ApiError{ApiErrorKind::malformed, 0, "an answer of more than 256 MB"};
    }
}

Result<std::unique_ptr<RestSession>> make_rest_session(const ClusterConfig& config, Milliseconds head_limit) {
    keep_system_cas_from_libraries();
    start_thread_pool();
    try {
        boost::asio::ssl::context trial(boost::asio::ssl::context::tls_client);
        auto tls = std::make_shared<TlsContext>(config);
        if (const Result<void> done = tls->put_into(trial); !done) return done.error();
        return std::unique_ptr<RestSession>(std::make_unique<CpprestSession>(config, head_limit, std::move(tls)));
    } catch (const std::exception& error) {
        return Error{config.source + ": server", "'" + config.server + "' cannot be used: " + error.what()};
    }
}

}  // namespace steelyard::kube
