#include "sidecar/metrics/content.hpp"

#include <array>
#include <string>

#include "common/metrics/builder.hpp"
#include "sidecar/cache/store.hpp"

namespace steelyard {
namespace {

using metrics::Family;

class CompressionFamilies {
public:
    void add(const std::string& upstream, const UpstreamStats& stats) {
        using config::Coding;
        for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
            const auto responses = stats.sum([coding](const UpstreamCounters& c) -> const Counter& {
                return c.compression.responses[static_cast<size_t>(coding)];
            });
            responses_.add(static_cast<double>(responses),
                           {{"upstream", upstream}, {"coding", std::string(config::to_string(coding))}});
        }
        const auto in = stats.sum([](const UpstreamCounters& c) -> const Counter& { return c.compression.bytes_in; });
        const auto out = stats.sum([](const UpstreamCounters& c) -> const Counter& { return c.compression.bytes_out; });
        in_.add(static_cast<double>(in), {{"upstream", upstream}});
        out_.add(static_cast<double>(out), {{"upstream", upstream}});
    }
    void into(std::vector<prometheus::MetricFamily>& out) {
        for (auto* family : {&responses_, &in_, &out_}) std::move(*family).into(out);
    }

private:
    Family responses_ = Family::counter("steelyard_compressed_responses_total", "Answers compressed, by coding.");
    Family in_ = Family::counter("steelyard_compression_input_bytes_total", "Bytes of bodies before compression.");
    Family out_ = Family::counter("steelyard_compression_output_bytes_total", "Bytes of bodies after compression.");
};

class CacheFamilies {
public:
    void add(const std::string& upstream, const UpstreamStats& stats, const cache::Store& store) {
        const auto result = [&](const char* name, auto counter_of) {
            results_.add(static_cast<double>(stats.sum(counter_of)), {{"upstream", upstream}, {"result", name}});
        };
        result("hit", [](const UpstreamCounters& c) -> const Counter& { return c.cache.hits; });
        result("miss", [](const UpstreamCounters& c) -> const Counter& { return c.cache.misses; });
        result("validated", [](const UpstreamCounters& c) -> const Counter& { return c.cache.validated; });
        result("stale", [](const UpstreamCounters& c) -> const Counter& { return c.cache.stale; });
        const auto kept = stats.sum([](const UpstreamCounters& c) -> const Counter& { return c.cache.kept; });
        kept_.add(static_cast<double>(kept), {{"upstream", upstream}});
        const auto figures = store.stats();
        bytes_.add(static_cast<double>(figures.bytes), {{"upstream", upstream}});
        objects_.add(static_cast<double>(figures.objects), {{"upstream", upstream}});
        evictions_.add(static_cast<double>(figures.evictions), {{"upstream", upstream}});
    }
    void into(std::vector<prometheus::MetricFamily>& out) {
        for (auto* family : {&results_, &kept_, &bytes_, &objects_, &evictions_}) std::move(*family).into(out);
    }

private:
    Family results_ =
        Family::counter("steelyard_cache_requests_total", "Requests that the cache was asked for, by result.");
    Family kept_ = Family::counter("steelyard_cache_stored_total", "Answers put into the cache.");
    Family bytes_ = Family::gauge("steelyard_cache_bytes", "Bytes that kept answers take.");
    Family objects_ = Family::gauge("steelyard_cache_objects", "Answers that are kept.");
    Family evictions_ = Family::counter("steelyard_cache_evictions_total", "Answers that made room for others.");
};

}  // namespace

void add_content(std::vector<prometheus::MetricFamily>& out, const Runtime& runtime, size_t max_upstreams) {
    CompressionFamilies compression;
    CacheFamilies caches;
    size_t seen = 0;
    for (const auto& [name, snapshot] : runtime.upstreams()) {
        if (seen++ == max_upstreams) break;
        if (snapshot->policy.http.compression) compression.add(name, *snapshot->stats);
        if (snapshot->cache) caches.add(name, *snapshot->stats, *snapshot->cache);
    }
    compression.into(out);
    caches.into(out);
}

}  // namespace steelyard
