#include "common/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace steelyard::cli {

void add_environment(CLI::App& app) {
    for (auto* option : app.get_options()) {
        const auto& names = option->get_lnames();
        if (names.empty() || names[0] == "help" || names[0] == "version") continue;
        std::string variable = "STEELYARD_";
        for (const char c : names[0])
            variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        option->envname(variable);
    }
}

std::optional<int> parse(CLI::App& app, int argc, const char* const* argv) {
    app.set_version_flag("--version", app.get_name() + " " STEELYARD_VERSION);
    add_environment(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& done) {  // --help, --version
        return app.exit(done);
    } catch (const CLI::ParseError& error) {
        return usage_error(app.get_name(), std::string(error.what()) + " (--help lists the flags)");
    }
    return std::nullopt;
}

int usage_error(const std::string& program, const std::string& message) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), message.c_str());
    return 2;
}

}  // namespace steelyard::cli
