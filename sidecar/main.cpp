// steelyard-sidecar: parse options, open everything, serve until a signal, drain with a deadline.
#include <cstdio>
#include <exception>
#include <variant>

#include "common/cli/cli.hpp"
#include "sidecar/app.hpp"

int main(int argc, char** argv) {
    auto options = steelyard::parse_sidecar_options(argc, argv);
    if (const int* status = std::get_if<int>(&options)) return *status;
    try {
        steelyard::SidecarApp app(std::move(std::get<steelyard::SidecarOptions>(options)));
        if (auto started = app.start(); !started) {
            return steelyard::cli::usage_error("steelyard-sidecar", started.error().to_string());
        }
        app.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "steelyard-sidecar: %s\n", error.what());
        return 1;
    }
    return 0;
}
