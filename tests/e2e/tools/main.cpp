// steelyard-e2e: what runs inside the cluster in the end-to-end tests. One program, one image:
//
//     steelyard-e2e serve [--port 8080] [--name NAME] [--on-term graceful|immediate] [--drain-ms 3000] [--delay-ms 0]
//     steelyard-e2e load --url URL --report FILE [--rate 100] [--connections 8] [--seconds 0] [--requests-per-connection 200]
//                        [--timeout-ms 10000] [--detach]
//     steelyard-e2e watch --url URL --report FILE [--pause-us 0] [--detach]
//     steelyard-e2e finish PID FILE      tells a detached one to end, waits for its report and prints it
//     steelyard-e2e get URL [--tries 1]  one GET: prints the answering backend's name; status 0 for a 200
//     steelyard-e2e idle                 does nothing until SIGTERM
//
// `--detach` prints the process id and goes on in the background: `kubectl exec` goes through the API server, and a load has to
// outlive a restart of that.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/tools/client.hpp"
#include "tests/e2e/tools/load.hpp"
#include "tests/e2e/tools/server.hpp"

namespace steelyard::e2e {
namespace {

std::atomic<bool> stop{false};

// Options are `--name value`, or `--name` alone when no value follows.
class Arguments {
public:
    Arguments(int count, char** values) {
        for (int at = 2; at < count; ++at) {
            const auto word = std::string{values[at]};
            if (!word.starts_with("--")) {
                positional_.push_back(word);
            } else if (at + 1 < count && !std::string{values[at + 1]}.starts_with("--")) {
                options_[word.substr(2)] = values[++at];
            } else {
                options_[word.substr(2)] = "";
            }
        }
    }
    std::string text(const std::string& name, const std::string& otherwise = "") const {
        const auto found = options_.find(name);
        return found == options_.end() ? otherwise : found->second;
    }
    double number(const std::string& name, double otherwise) const {
        return has(name) ? std::strtod(text(name).c_str(), nullptr) : otherwise;
    }
    int integer(const std::string& name, int otherwise) const { return static_cast<int>(number(name, otherwise)); }
    bool has(const std::string& name) const { return options_.contains(name); }
    const std::vector<std::string>& positional() const { return positional_; }

private:
    std::map<std::string, std::string> options_;
    std::vector<std::string> positional_;
};

void stop_on_sigterm() {
    struct sigaction action {};
    action.sa_handler = [](int) { stop = true; };
    (void)sigaction(SIGTERM, &action, nullptr);
    (void)sigaction(SIGINT, &action, nullptr);
}

// The parent prints the child's process id and ends here; the child goes on, away from the terminal and its pipes.
void detach() {
    const auto child = fork();
    if (child != 0) {
        std::cout << child << std::endl;
        std::_Exit(child > 0 ? 0 : 1);
    }
    (void)setsid();
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {0, 1, 2}) {
        (void)dup2(null, stream);
    }
}

int load(const Arguments& arguments) {
    LoadOptions options;
    options.url = arguments.text("url");
    options.rate = arguments.number("rate", options.rate);
    options.connections = arguments.integer("connections", options.connections);
    options.seconds = arguments.number("seconds", options.seconds);
    options.requests_per_connection = arguments.integer("requests-per-connection", options.requests_per_connection);
    options.timeout =
        std::chrono::milliseconds{arguments.integer("timeout-ms", static_cast<int>(options.timeout.count()))};
    const auto file = arguments.text("report");
    const auto report = run_load(options, stop);
    // Moved into place, so that whoever waits for it reads all of it.
    const auto aside = file + ".new";
    std::ofstream{aside} << report.value_or("{\"error\": \"the URL is bad or did not resolve\"}\n");
    return std::rename(aside.c_str(), file.c_str()) == 0 && report ? 0 : 1;
}

int watch(const Arguments& arguments) {
    const auto file = arguments.text("report");
    const bool done = run_watch(arguments.text("url"), file + ".lines",
                                std::chrono::microseconds{arguments.integer("pause-us", 0)}, stop);
    return std::rename((file + ".lines").c_str(), file.c_str()) == 0 && done ? 0 : 1;
}

int finish(const Arguments& arguments) {
    if (arguments.positional().size() != 2) {
        std::cerr << "finish PID FILE\n";
        return 2;
    }
    (void)kill(static_cast<pid_t>(std::atoi(arguments.positional()[0].c_str())), SIGTERM);
    for (int tries = 0; tries < 300; ++tries) {
        if (std::ifstream report{arguments.positional()[1]}) {
            std::cout << report.rdbuf();
            return 0;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    std::cerr << "no report within 30 s\n";
    return 1;
}

int get(const Arguments& arguments) {
    const auto url = arguments.positional().empty() ? std::nullopt : parse_url(arguments.positional()[0]);
    const int tries = arguments.integer("tries", 1);
    std::string problem = "the URL is bad";
    for (int done = 0; url && done < tries; ++done) {
        if (done > 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds{200});
        }
        const auto address = resolve(*url);
        if (!address) {
            problem = "the name does not resolve";
            continue;
        }
        const auto answer = Client{*url, *address, std::chrono::seconds{5}}.get();
        if (answer.ok()) {
            std::cout << answer.name << '\n';
            return 0;
        }
        problem = answer.failure.empty() ? "status " + std::to_string(answer.status) : answer.failure;
    }
    std::cerr << "get: " << problem << '\n';
    return 1;
}

int serve_with(const Arguments& arguments) {
    char host[256]{};
    (void)gethostname(host, sizeof host - 1);
    ServerOptions options;
    options.port = arguments.integer("port", options.port);
    options.name = arguments.text("name", host);
    options.immediate = arguments.text("on-term", "graceful") == "immediate";
    options.drain = std::chrono::milliseconds{arguments.integer("drain-ms", 3000)};
    options.delay = std::chrono::milliseconds{arguments.integer("delay-ms", 0)};
    return serve(options);
}

// As a container's first process it also takes in what detached children leave behind.
int idle() {
    while (!stop) {
        while (waitpid(-1, nullptr, WNOHANG) > 0) {}
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
    return 0;
}

int run(int count, char** values) {
    const auto command = count > 1 ? std::string{values[1]} : std::string{};
    const auto arguments = Arguments{count, values};
    if (arguments.has("detach")) {
        detach();
    }
    if (command == "serve") {
        return serve_with(arguments);
    }
    stop_on_sigterm();
    if (command == "load") {
        return load(arguments);
    }
    if (command == "watch") {
        return watch(arguments);
    }
    if (command == "finish") {
        return finish(arguments);
    }
    if (command == "get") {
        return get(arguments);
    }
    if (command == "idle") {
        return idle();
    }
    std::cerr << "steelyard-e2e serve|load|watch|finish|get|idle; see tests/e2e/tools/main.cpp\n";
    return 2;
}

}  // namespace
}  // namespace steelyard::e2e

int main(int count, char** values) { return steelyard::e2e::run(count, values); }
