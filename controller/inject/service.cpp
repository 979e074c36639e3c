#include "controller/inject/service.hpp"

#include <thread>

#include "common/log.hpp"
#include "common/net/asio.hpp"
#include "controller/inject/config_file.hpp"

namespace steelyard::inject {
namespace {

constexpr Milliseconds kPoll{1'000};  // of the configuration file
constexpr Milliseconds kPatience{1'000};
constexpr Milliseconds kStep{20};

}  // namespace

class InjectService::Impl {
public:
    explicit Impl(ServiceOptions options)
        : options_(std::move(options)),
          file_(options_.config_file),
          injector_({[this] { return file_.current(); }, options_.ca_pem, options_.service_cidrs, options_.event}),
          server_(
              io_, options_.tls,
              [this](std::string_view body) {
                  auto answer = injector_.handle(body);
                  return Server::Answer{answer.status, std::move(answer.body)};
              },
              options_.limits) {}
    ~Impl() { stop(); }

    Result<void> start() {
        if (auto loaded = file_.load(); !loaded) return loaded;
        if (auto started = server_.start(options_.ip, options_.port); !started) return started;
        port_ = server_.port();
        poll();
        thread_ = std::thread([this] { io_.run(); });
        return {};
    }

    void stop() {
        if (!thread_.joinable()) return;
        asio::post(io_, [this] {
            server_.stop();
            deadline_ = Clock::now() + kPatience;
            wait_for_end();
        });
        thread_.join();
    }

    uint16_t port() const { return port_; }
    ServiceStats stats() const { return {injector_.stats(), server_.stats()}; }

private:
    void poll() {
        timer_.expires_after(kPoll);
        timer_.async_wait([this](const error_code& error) {
            if (error) return;
            file_.poll();
            poll();
        });
    }
    void wait_for_end() {
        if (server_.idle() || Clock::now() >= deadline_) return io_.stop();
        timer_.expires_after(kStep);  // ends the polling of the file
        timer_.async_wait([this](const error_code&) { wait_for_end(); });
    }

    ServiceOptions options_;
    ConfigFile file_;
    Injector injector_;
    asio::io_context io_{1};
    Server server_;
    asio::steady_timer timer_{io_};
    TimePoint deadline_;
    uint16_t port_ = 0;
    std::thread thread_;
};

InjectService::InjectService(ServiceOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
InjectService::~InjectService() = default;
Result<void> InjectService::start() { return impl_->start(); }
uint16_t InjectService::port() const { return impl_->port(); }
void InjectService::stop() { impl_->stop(); }
ServiceStats InjectService::stats() const { return impl_->stats(); }

}  // namespace steelyard::inject
