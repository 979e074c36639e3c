// steelyard-vip: parse options, check and drop rights, hold virtual addresses until a signal, hand them over.
#include <cstdio>
#include <exception>
#include <variant>

#include "common/cli/cli.hpp"
#include "common/log.hpp"
#include "sidecar/vip/app.hpp"

int main(int argc, char** argv) {
    namespace vip = steelyard::vip;
    auto options = vip::parse_vip_options(argc, argv);
    if (const int* status = std::get_if<int>(&options)) return *status;
    auto& parsed = std::get<vip::VipOptions>(options);
    if (auto logging = steelyard::log::init(parsed.log_level, parsed.log_format); !logging) {
        return steelyard::cli::usage_error("steelyard-vip", logging.error().to_string());
    }
    try {
        vip::VipApp app(std::move(parsed));
        if (auto started = app.start(); !started) {
            return steelyard::cli::usage_error("steelyard-vip", started.error().to_string());
        }
        app.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "steelyard-vip: %s\n", error.what());
        return 1;
    }
    return 0;
}
