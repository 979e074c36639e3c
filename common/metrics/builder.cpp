#include "common/metrics/builder.hpp"

#include <dirent.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <limits>
#include <sstream>

namespace steelyard::metrics {
namespace {

std::vector<prometheus::ClientMetric::Label> to_labels(const Labels& labels) {
    std::vector<prometheus::ClientMetric::Label> result;
    for (const auto& [name, value] : labels) result.push_back({name, value});
    return result;
}

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    uint64_t total = 0;
    uint64_t resident = 0;
    statm >> total >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double entries_of(const std::string& path) {
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) return 0;
    double count = 0;
    while (readdir(directory) != nullptr) ++count;  // NOLINT(concurrency-mt-unsafe): a directory stream of our own
    closedir(directory);
    return count - 2;  // "." and ".."
}

double open_fds(const std::vector<int>& tables) {
    double count = entries_of("/proc/self/fd") - 1;  // the directory itself
    for (const int thread : tables) {
        if (thread != 0) count += entries_of("/proc/self/task/" + std::to_string(thread) + "/fd");
    }
    return count;
}

double max_fds() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<double>(limit.rlim_cur);
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

const double kStart = static_cast<double>(std::time(nullptr));

}  // namespace

Family::Family(std::string name, std::string help, prometheus::MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
}

Family& Family::add(double value, const Labels& labels) {
    prometheus::ClientMetric metric;
    metric.label = to_labels(labels);
    if (family_.type == prometheus::MetricType::Counter) {
        metric.counter.value = value;
    } else {
        metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
    return *this;
}

Family& Family::add_histogram(const std::vector<double>& bounds, const std::vector<uint64_t>& cumulative_counts,
                              double sum, const Labels& labels) {
    prometheus::ClientMetric metric;
    metric.label = to_labels(labels);
    for (size_t i = 0; i < bounds.size(); ++i) metric.histogram.bucket.push_back({cumulative_counts[i], bounds[i]});
    metric.histogram.bucket.push_back({cumulative_counts.back(), std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = cumulative_counts.back();
    metric.histogram.sample_sum = sum;
    family_.metric.push_back(std::move(metric));
    return *this;
}

Family& Family::add(const Durations& durations, const Labels& labels) {
    static const std::vector<double> bounds(Durations::kBounds.begin(), Durations::kBounds.end());
    std::vector<uint64_t> cumulative;
    uint64_t sum = 0;
    for (const uint64_t count : durations.buckets()) cumulative.push_back(sum += count);
    return add_histogram(bounds, cumulative, durations.sum(), labels);
}

void Family::into(std::vector<prometheus::MetricFamily>& out) && {
    if (!family_.metric.empty()) out.push_back(std::move(family_));
}

void add_process_metrics(const std::string& program, std::vector<prometheus::MetricFamily>& out,
                         const std::vector<int>& tables) {
    const auto single = [&out](Family family, double value, const Labels& labels = {}) {
        family.add(value, labels);
        std::move(family).into(out);
    };
    single(Family::gauge("steelyard_build_info", "1, with what was built as labels."), 1,
           {{"program", program}, {"version", STEELYARD_VERSION}});
    single(Family::gauge("process_resident_memory_bytes", "Resident memory size in bytes."), resident_bytes());
    single(Family::counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds."),
           cpu_seconds());
    single(Family::gauge("process_open_fds", "Number of open file descriptors."), open_fds(tables));
    single(Family::gauge("process_max_fds", "Maximum number of open file descriptors."), max_fds());
    single(Family::gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds."),
           kStart);
}

std::string to_text(const prometheus::Collectable& source) {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, source.Collect());
    return out.str();
}

}  // namespace steelyard::metrics
