#pragma once
// OpenSSL's context for connections to the API server, made once for as long as the files that it is made of stay as they are. Only
// rest_session.cpp includes this.
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "common/result.hpp"
#include "controller/kube/config.hpp"

namespace steelyard::kube {

// Trusts only the configured CA (the system's CAs when none is), TLS 1.2 or newer, our certificate if there is one. Thread-safe.
class TlsContext {
public:
    explicit TlsContext(ClusterConfig config);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Puts a context into `context` that it shares with other connections: neither is to be changed afterwards. The error names the
    // file or field that cannot be used; the next call tries again.
    Result<void> put_into(boost::asio::ssl::context& context);

private:
    struct Stamp;  // of a file: changes with its content

    std::vector<Stamp> stamps() const;

    const ClusterConfig config_;
    std::mutex mutex_;
    std::vector<Stamp> stamps_;                          // of what made_ was made of
    std::unique_ptr<boost::asio::ssl::context> made_{};  // nullptr: not yet, or a file is at fault
};

// The library that makes connections reads the system's CAs, 20 ms of CPU time, into a context that put_into() replaces. From now on
// it finds none: those whom TlsContext leads to them have them all the same. Once, before there are threads that read the environment.
void keep_system_cas_from_libraries();

}  // namespace steelyard::kube
