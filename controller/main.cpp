// steelyard-controller: parse options, open everything, serve until a signal.
#include <malloc.h>

#include <cstdio>
#include <exception>
#include <variant>

#include "common/cli/cli.hpp"
#include "controller/app.hpp"

int main(int argc, char** argv) {
    // One arena: threads hand what they allocate to the owner of the state, and an arena each would never shrink again.
    mallopt(M_ARENA_MAX, 1);  // NOLINT(concurrency-mt-unsafe): there is no other thread yet
    auto options = steelyard::parse_controller_options(argc, argv);
    if (const int* status = std::get_if<int>(&options)) return *status;
    try {
        steelyard::ControllerApp app(std::move(std::get<steelyard::ControllerOptions>(options)));
        if (auto started = app.start(); !started) {
            return steelyard::cli::usage_error("steelyard-controller", started.error().to_string());
        }
        app.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "steelyard-controller: %s\n", error.what());
        return 1;
    }
    return 0;
}
