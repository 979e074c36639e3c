#include "tests/e2e/tools/load.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace steelyard::e2e {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_examples = 20;
constexpr auto patience = std::chrono::seconds{30};

struct Tally {
    long requests{0};
    long failures{0};
    std::map<std::string, long> reasons;
    std::map<std::string, long> backends;
    std::vector<std::pair<double, std::string>> examples;  // Unix time, reason
    std::vector<float> latencies;                          // ms

    void add(const Answer& answer, double milliseconds) {
        ++requests;
        latencies.push_back(static_cast<float>(milliseconds));
        if (answer.ok()) {
            ++backends[answer.name];
            return;
        }
        ++failures;
        const auto reason = answer.failure.empty() ? "status-" + std::to_string(answer.status) : answer.failure;
        ++reasons[reason];
        if (examples.size() < most_examples) {
            const auto now = std::chrono::system_clock::now().time_since_epoch();
            examples.emplace_back(std::chrono::duration<double>(now).count(), reason);
        }
    }

    void merge(const Tally& other) {
        requests += other.requests;
        failures += other.failures;
        for (const auto& [name, count] : other.reasons) {
            reasons[name] += count;
        }
        for (const auto& [name, count] : other.backends) {
            backends[name] += count;
        }
        examples.insert(examples.end(), other.examples.begin(), other.examples.end());
        latencies.insert(latencies.end(), other.latencies.begin(), other.latencies.end());
    }
};

// Backends are pod names and reasons our own words: nothing in them needs an escape, and anything odd becomes a question mark.
std::string quoted(const std::string& text) {
    auto result = std::string{"\""};
    for (const char character : text) {
        result += character >= ' ' && character <= '~' && character != '"' && character != '\\' ? character : '?';
    }
    return result + '"';
}

std::string object(const std::map<std::string, long>& counts) {
    auto result = std::string{"{"};
    for (const auto& [name, count] : counts) {
        result += (result.size() > 1 ? ", " : "") + quoted(name) + ": " + std::to_string(count);
    }
    return result + "}";
}

std::string number(double value) {
    char text[32];
    (void)std::snprintf(text, sizeof text, "%.3f", value);
    return text;
}

std::string to_json(Tally& tally, double seconds) {
    std::sort(tally.latencies.begin(), tally.latencies.end());
    std::sort(tally.examples.begin(), tally.examples.end());
    const auto percentile = [&](double share) {
        const auto at = static_cast<std::size_t>(share * static_cast<double>(tally.latencies.size()));
        return tally.latencies.empty() ? 0.0 : double{tally.latencies[std::min(at, tally.latencies.size() - 1)]};
    };
    auto examples = std::string{"["};
    for (std::size_t at = 0; at < std::min(tally.examples.size(), most_examples); ++at) {
        const auto& [when, reason] = tally.examples[at];
        examples +=
            (at > 0 ? ", " : "") + std::string{"{\"at\": "} + number(when) + ", \"reason\": " + quoted(reason) + "}";
    }
    return "{\"requests\": " + std::to_string(tally.requests) + ", \"failures\": " + std::to_string(tally.failures) +
           ", \"reasons\": " + object(tally.reasons) + ", \"first_failures\": " + examples +
           "], \"backends\": " + object(tally.backends) + ", \"seconds\": " + number(seconds) +
           ", \"p50_ms\": " + number(percentile(0.5)) + ", \"p99_ms\": " + number(percentile(0.99)) +
           ", \"max_ms\": " + number(percentile(1)) + "}\n";
}

std::optional<sockaddr_in> resolve_patiently(const Url& url, const std::atomic<bool>& stop) {
    const auto deadline = Clock::now() + patience;
    while (!stop && Clock::now() < deadline) {
        if (const auto address = resolve(url)) {
            return address;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
    return std::nullopt;
}

// The beginnings of all requests, handed out in order to whichever connection is free.
class Schedule {
public:
    Schedule(const LoadOptions& options, Clock::time_point start)
        : start_{start}, interval_{1.0 / options.rate}, last_{options.seconds} {}

    // Nothing when the time is over.
    std::optional<Clock::time_point> next() {
        const auto after = interval_ * static_cast<double>(next_.fetch_add(1, std::memory_order_relaxed));
        if (last_ > 0 && after.count() >= last_) {
            return std::nullopt;
        }
        return start_ + std::chrono::duration_cast<Clock::duration>(after);
    }

private:
    Clock::time_point start_;
    std::chrono::duration<double> interval_;
    double last_;
    std::atomic<long> next_{0};
};

void run_connection(const LoadOptions& options, Client& client, Schedule& schedule, Tally& tally,
                    const std::atomic<bool>& stop) {
    while (const auto begin = schedule.next()) {
        while (!stop && Clock::now() < *begin) {
            std::this_thread::sleep_for(
                std::min<Clock::duration>(*begin - Clock::now(), std::chrono::milliseconds{50}));
        }
        if (stop) {
            return;
        }
        const auto sent = Clock::now();
        const auto answer = client.get();
        tally.add(answer, std::chrono::duration<double, std::milli>(Clock::now() - sent).count());
        if (options.requests_per_connection > 0 && tally.requests % options.requests_per_connection == 0) {
            client.close();
        }
    }
}

}  // namespace

std::optional<std::string> run_load(const LoadOptions& options, const std::atomic<bool>& stop) {
    const auto url = parse_url(options.url);
    const auto address = url ? resolve_patiently(*url, stop) : std::nullopt;
    if (!address || options.rate <= 0 || options.connections < 1) {
        return std::nullopt;
    }
    const auto start = Clock::now();
    Schedule schedule{options, start};
    std::mutex mutex;
    Tally total;
    std::vector<std::jthread> threads;
    for (int index = 0; index < options.connections; ++index) {
        threads.emplace_back([&] {
            Client client{*url, *address, options.timeout};
            Tally tally;
            run_connection(options, client, schedule, tally, stop);
            const std::lock_guard lock{mutex};
            total.merge(tally);
        });
    }
    threads.clear();  // joins
    return to_json(total, std::chrono::duration<double>(Clock::now() - start).count());
}

bool run_watch(const std::string& text, const std::string& report, std::chrono::microseconds pause,
               const std::atomic<bool>& stop) {
    const auto url = parse_url(text);
    const auto address = url ? resolve_patiently(*url, stop) : std::nullopt;
    std::FILE* const output = address ? std::fopen(report.c_str(), "we") : nullptr;
    if (output == nullptr) {
        return false;
    }
    Client client{*url, *address, std::chrono::seconds{2}};
    std::string last;
    long requests = 0;
    long failures = 0;
    const auto line = [&](const std::string& name) {
        const auto now = Clock::now().time_since_epoch();
        (void)std::fprintf(output, "%s %lld %ld %ld\n", name.c_str(),
                           static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()),
                           requests, failures);
        (void)std::fflush(output);
    };
    while (!stop) {
        auto answer = client.get();
        ++requests;
        if (!answer.ok()) {
            ++failures;
            if (failures <= 100) {
                line("failed:" + (answer.failure.empty() ? std::to_string(answer.status) : answer.failure));
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        } else if (answer.name != last) {
            line(answer.name);
            last = std::move(answer.name);
        }
        if (pause.count() > 0) {
            std::this_thread::sleep_for(pause);
        }
    }
    line("end");
    return std::fclose(output) == 0;
}

}  // namespace steelyard::e2e
