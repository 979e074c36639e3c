#pragma once
// A blocking HTTP/1.1 client connection for tests: one GET at a time, and for every failure a short word that says which.
//
// Owned by one thread. A connection that the peer has closed between two requests is opened again without a word, as any client
// does; one that breaks after the request was sent is a failure. Answers need a Content-Length.
#include <netinet/in.h>

#include <chrono>
#include <optional>
#include <string>

namespace steelyard::e2e {

struct Url {
    std::string host;  // a name or an IPv4 address
    std::string port;  // decimal; 80 when the URL has none
    std::string path;
};

// Nothing when it is not http://HOST[:PORT][/PATH].
std::optional<Url> parse_url(const std::string& text);

// The first IPv4 address, or nothing when the name does not resolve now.
std::optional<sockaddr_in> resolve(const Url& url);

struct Answer {
    int status{0};
    std::string name;     // the answer's X-Backend, else its body up to the first white space
    std::string failure;  // empty when a whole answer came: else connect, send, receive, timeout or malformed
    bool ok() const { return failure.empty() && status == 200; }
};

class Client {
public:
    Client(Url url, sockaddr_in address, std::chrono::milliseconds timeout);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Answer get();
    void close();

private:
    bool connect();
    void drop_if_closed();
    Answer read_answer();
    bool fill(std::string& failure);

    sockaddr_in address_;
    std::chrono::milliseconds timeout_;
    std::string request_;
    std::string input_;
    int socket_{-1};
};

}  // namespace steelyard::e2e
