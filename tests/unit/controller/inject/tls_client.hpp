#pragma once
// A blocking HTTPS client of a few lines, for tests: sends bytes as they are given, reads one answer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>

namespace steelyard::testing_support {

class TlsClient {
public:
    // Trusts `ca_pem_file` and expects the name "localhost".
    TlsClient(uint16_t port, const std::string& ca_pem_file) : context_(SSL_CTX_new(TLS_client_method())) {
        std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that the server may have closed
        SSL_CTX_load_verify_locations(context_.get(), ca_pem_file.c_str(), nullptr);
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        const int yes = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        timeval patience{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~TlsClient() {
        ssl_.reset();
        ::close(fd_);
    }
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    bool handshake() {
        ssl_.reset(SSL_new(context_.get()));
        SSL_set1_host(ssl_.get(), "localhost");
        SSL_set_fd(ssl_.get(), fd_);
        return connected_ && SSL_connect(ssl_.get()) == 1;
    }
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const int sent =
                SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)));
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(sent));
        }
        return true;
    }
    // One answer, head and body; "" when the server closed instead.
    std::string receive() {
        std::string text;
        while (!whole(text)) {
            char buffer[16 * 1024];
            const int got = SSL_read(ssl_.get(), buffer, sizeof buffer);
            if (got <= 0) return {};
            text.append(buffer, static_cast<size_t>(got));
        }
        return text;
    }
    std::string ask(std::string_view request) { return send(request) ? receive() : std::string(); }
    // Whether the server closes the TCP connection within the time.
    bool closed_within(int milliseconds) {
        for (;;) {
            pollfd one{fd_, POLLIN, 0};
            if (::poll(&one, 1, milliseconds) <= 0) return false;
            char buffer[4096];
            if (::recv(fd_, buffer, sizeof buffer, 0) <= 0) return true;
        }
    }

private:
    static bool whole(const std::string& text) {
        const size_t end = text.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        const size_t at = text.find("Content-Length: ");
        return at < end && text.size() >= end + 4 + std::stoul(text.substr(at + 16));
    }

    struct Free {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
    int fd_ = -1;
    bool connected_ = false;
};

}  // namespace steelyard::testing_support
