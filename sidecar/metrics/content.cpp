#include "sidecar/metrics/content.hpp"

#include <array>
#include <string>

#include "common/metrics/builder.hpp"

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

}  // namespace

void add_content(std::vector<prometheus::MetricFamily>& out, const Runtime& runtime, size_t max_upstreams) {
    CompressionFamilies compression;
    size_t seen = 0;
    for (const auto& [name, snapshot] : runtime.upstreams()) {
        if (seen++ == max_upstreams) break;
        if (snapshot->policy.http.compression) compression.add(name, *snapshot->stats);
    }
    compression.into(out);
}

}  // namespace steelyard
