#include "sidecar/capture/options.hpp"

#include <CLI/CLI.hpp>
#include <vector>

#include "common/cli/cli.hpp"

namespace steelyard::capture {
namespace {

constexpr size_t kMaxOfEach = 256;
constexpr uint32_t kLastUid = 4'294'967'294;  // 2^32-1 means "none"

struct Text {
    std::vector<std::string> services, excluded_ports, excluded;
    uint32_t port = 15001;
    bool return_path = false;
    ReturnPath path;
};

template <class T, class Parse>
Result<void> read(const char* flag, const std::vector<std::string>& texts, Parse parse, std::vector<T>& out) {
    if (texts.size() > kMaxOfEach) {
        return Error{flag,
                     std::to_string(texts.size()) + " values; at most " + std::to_string(kMaxOfEach) + " are allowed"};
    }
    for (const auto& text : texts) {
        auto parsed = parse(text);
        if (!parsed) return Error{flag, parsed.error().problem};
        out.push_back(std::move(*parsed));
    }
    return {};
}

Result<void> check_alone(const Text& text, const CaptureProgram& program) {
    if (!text.services.empty() || program.rules.proxy_uid != 0) {
        return Error{"--return-path", "goes with neither --service-cidr nor --proxy-uid"};
    }
    return {};
}

Result<void> finish(const Text& text, CaptureProgram& program) {
    Rules& rules = program.rules;
    if (text.services.empty()) return Error{"", "--service-cidr is required"};
    if (rules.proxy_uid == 0) return Error{"", "--proxy-uid is required"};
    if (program.remove) return Error{"--remove", "goes with --return-path"};
    rules.port = static_cast<uint16_t>(text.port);
    if (auto done = read("--service-cidr", text.services, parse_cidr, rules.services); !done) return done;
    if (auto done = read("--exclude-port", text.excluded_ports, parse_ports, rules.excluded_ports); !done) return done;
    return read("--exclude-cidr", text.excluded, parse_cidr, rules.excluded);
}

}  // namespace

std::variant<CaptureProgram, int> parse_options(int argc, const char* const* argv) {
    CaptureProgram program;
    Text text;
    CLI::App app("Leads a pod's connections to Services to its sidecar: writes the table `inet steelyard` with nft.",
                 "steelyard-capture");
    app.set_version_flag("--version", app.get_name() + " " STEELYARD_VERSION);
    app.add_option("--service-cidr", text.services, "Addresses of Services, repeatable: 10.96.0.0/16, fd00:10:96::/112")
        ->delimiter(',');
    app.add_option("--proxy-uid", program.rules.proxy_uid, "The user id of the sidecar, whose connections go out")
        ->check(CLI::Range(uint32_t{1}, kLastUid));
    app.add_option("--port", text.port, "The sidecar's --capture-listen")
        ->check(CLI::Range(1, 65535))
        ->capture_default_str();
    app.add_option("--exclude-port", text.excluded_ports, "PORT or FIRST-LAST that goes out untouched, repeatable")
        ->delimiter(',');
    app.add_option("--exclude-cidr", text.excluded, "Addresses that go out untouched, repeatable")->delimiter(',');
    app.add_flag("--return-path", text.return_path,
                 "On an edge's node, instead: leads endpoints' answers to clients' addresses back to the proxy");
    app.add_option("--mark", text.path.mark, "With --return-path: the bits that packets are marked with")
        ->check(CLI::Range(uint32_t{1}, UINT32_MAX))
        ->capture_default_str();
    app.add_option("--table", text.path.table, "With --return-path: the routing table")
        ->check(CLI::Range(uint32_t{256}, UINT32_MAX))
        ->capture_default_str();
    app.add_flag("--remove", program.remove, "With --return-path: takes it away");
    app.add_option("--nft", program.nft, "The nft program")->capture_default_str();
    app.add_flag("--dry-run", program.dry_run, "Print the rules and change nothing");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& done) {
        return app.exit(done);
    } catch (const CLI::ParseError& error) {
        return cli::usage_error(app.get_name(), std::string(error.what()) + " (--help lists the flags)");
    }
    if (text.return_path) program.return_path = text.path;
    if (auto done = text.return_path ? check_alone(text, program) : finish(text, program); !done)
        return cli::usage_error(app.get_name(), done.error().to_string());
    return program;
}

}  // namespace steelyard::capture
