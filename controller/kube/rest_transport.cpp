#include "controller/kube/rest_transport.hpp"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "controller/kube/decode.hpp"
#include "controller/kube/tls_context.hpp"
#include "controller/kube/token_source.hpp"

namespace steelyard::kube {
namespace {

namespace http = web::http;
using ByteBuffer = concurrency::streams::streambuf<uint8_t>;

constexpr Milliseconds kHeadLimit{20'000};  // from the request to the answer's head, connecting included
constexpr Milliseconds kBodyLimit{20'000};  // between two reads of a body that is no watch
constexpr size_t kMaxBody = 256U * 1024 * 1024;
constexpr size_t kMaxErrorBody = 64U * 1024;
constexpr size_t kMaxLine = 16U * 1024 * 1024;  // etcd refuses objects of more than 1.5 MB
constexpr size_t kThreads = 2;                  // of the library's pool: they only move bytes

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
class Answer {
public:
    Answer(std::string server, http::http_response response, pplx::cancellation_token_source cancel)
        : server_(std::move(server)),
          response_(std::move(response)),
          cancel_(std::move(cancel)),
          bytes_(response_.body().streambuf()) {}
    ~Answer() {
        if (!ended_) cancel_.cancel();
    }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    const http::http_response& response() const { return response_; }

    // Appends what has come, waiting for at least one byte. False: the body is complete.
    ApiResult<bool> read(std::string& out, Milliseconds limit, const std::stop_token& stop) {
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

class RestWatchStream final : public WatchStream {
public:
    explicit RestWatchStream(std::unique_ptr<Answer> answer) : answer_(std::move(answer)) {}

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

    std::unique_ptr<Answer> answer_;
    std::string buffer_;
    size_t begin_ = 0;     // of the line that is not yet given out
    size_t searched_ = 0;  // no line end before here
};

class RestTransport final : public Transport {
public:
    explicit RestTransport(const ClusterConfig& config)
        : config_(config), token_(config.token, config.token_file), client_(config.server, client_config(config)) {}

    ApiResult<std::string> get(const ApiRequest& request, const std::stop_token& stop) override {
        ApiResult<std::unique_ptr<Answer>> answer = send(request, stop);
        if (!answer) return answer.error();
        std::string body;
        while (true) {
            ApiResult<bool> more = (*answer)->read(body, kBodyLimit, stop);
            if (!more) return more.error();
            if (!*more) return body;
            if (body.size() > kMaxBody) return ApiError{ApiErrorKind::malformed, 0, "an answer of more than 256 MB"};
        }
    }

    ApiResult<std::unique_ptr<WatchStream>> watch(const ApiRequest& request, const std::stop_token& stop) override {
        ApiResult<std::unique_ptr<Answer>> answer = send(request, stop);
        if (!answer) return answer.error();
        return std::unique_ptr<WatchStream>(std::make_unique<RestWatchStream>(std::move(*answer)));
    }

private:
    static http::client::http_client_config client_config(const ClusterConfig& config) {
        http::client::http_client_config out;
        out.set_timeout(std::chrono::hours(1));  // deadlines are ours, see wait_for
        out.set_max_redirects(0);                // a redirect would carry the token elsewhere
        out.set_validate_certificates(!config.insecure_skip_tls_verify);
        out.set_ssl_context_callback([config](boost::asio::ssl::context& context) {
            if (const Result<void> done = configure_tls(context, config); !done) {
                throw http::http_exception(done.error().to_string());
            }
        });
        return out;
    }

    // The answer's head, if it is a 200; else the error it stands for.
    ApiResult<std::unique_ptr<Answer>> send(const ApiRequest& request, const std::stop_token& stop) {
        const Result<std::string> token = token_.current(Clock::now());
        if (!token) return ApiError{ApiErrorKind::credentials, 0, token.error().to_string()};
        pplx::cancellation_token_source cancel;
        try {
            http::http_request message(http::methods::GET);
            message.set_request_uri(web::uri(request.target));
            message.headers().add(http::header_names::accept, request.accept);
            message.headers().add(http::header_names::user_agent, "steelyard-controller/" STEELYARD_VERSION);
            if (!token->empty()) message.headers().add(http::header_names::authorization, "Bearer " + *token);
            // The library takes the name that it verifies, and sends as SNI, from here.
            if (!config_.tls_server_name.empty())
                message.headers().add(http::header_names::host, config_.tls_server_name);
            const pplx::task<http::http_response> head = client_.request(message, cancel.get_token());
            const Waited waited = wait_for(head, kHeadLimit, stop);
            if (waited != Waited::done) {
                cancel.cancel();
                return not_in_time(waited, (config_.server + ": no answer").c_str(), kHeadLimit);
            }
            auto answer = std::make_unique<Answer>(config_.server, head.get(), cancel);
            if (answer->response().status_code() == http::status_codes::OK) return answer;
            return refusal(*answer, stop);
        } catch (const std::exception& error) {
            cancel.cancel();
            return broken(config_.server + " cannot be reached", error);
        }
    }

    ApiError refusal(Answer& answer, const std::stop_token& stop) {
        ApiError error;
        error.status = answer.response().status_code();
        error.kind = kind_of_status(error.status);
        if (error.kind == ApiErrorKind::unauthorized) token_.refused();
        std::string body;
        while (body.size() < kMaxErrorBody) {
            ApiResult<bool> more = answer.read(body, kBodyLimit, stop);
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

Result<std::unique_ptr<Transport>> make_rest_transport(const ClusterConfig& config) {
    start_thread_pool();
    try {
        boost::asio::ssl::context trial(boost::asio::ssl::context::tls_client);
        if (const Result<void> done = configure_tls(trial, config); !done) return done.error();
        return std::unique_ptr<Transport>(std::make_unique<RestTransport>(config));
    } catch (const std::exception& error) {
        return Error{config.source + ": server", "'" + config.server + "' cannot be used: " + error.what()};
    }
}

}  // namespace steelyard::kube
