#include "controller/kube/config.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "controller/kube/base64.hpp"

namespace steelyard::kube {
namespace {

namespace fs = std::filesystem;

// What a helper deep below found wrong. Caught in load_kubeconfig, which returns it: exceptions do not leave this file.
struct Refused {
    Error error;
};

[[noreturn]] void refuse(std::string where, std::string problem) {
    throw Refused{{std::move(where), std::move(problem)}};
}

// A mapping of one file, with what is needed to say where it is.
struct Section {
    std::string path;   // of the file
    std::string field;  // "users[0].user"
    YAML::Node node;

    std::string where(const std::string& name) const { return path + ": " + (field.empty() ? "" : field + ".") + name; }

    bool has(const std::string& name) const {
        const YAML::Node child = node[name];
        return child.IsDefined() && !child.IsNull();
    }

    std::string text(const std::string& name) const {
        if (!has(name)) return {};
        const YAML::Node child = node[name];
        if (!child.IsScalar()) refuse(where(name), "must be a string");
        return child.Scalar();
    }

    bool flag(const std::string& name) const {
        const std::string value = text(name);
        if (value.empty() || value == "false") return false;
        if (value != "true") refuse(where(name), "'" + value + "' is neither true nor false");
        return true;
    }

    // A path, resolved against the kubeconfig's own folder.
    std::string file(const std::string& name) const {
        const std::string value = text(name);
        if (value.empty()) return {};
        const fs::path resolved =
            fs::path(value).is_absolute() ? fs::path(value) : fs::path(path).parent_path() / value;
        if (!std::ifstream(resolved)) refuse(where(name), "cannot read '" + resolved.string() + "'");
        return resolved.string();
    }

    // PEM text that is kept in the kubeconfig as base64.
    std::string pem(const std::string& name) const {
        const std::string value = text(name);
        if (value.empty()) return {};
        const std::optional<std::string> decoded = base64_decode(value);
        if (!decoded) refuse(where(name), "is not base64");
        if (decoded->find("-----BEGIN ") == std::string::npos) refuse(where(name), "holds no PEM block once decoded");
        return *decoded;
    }

    Section child(const std::string& name) const {
        const YAML::Node found = node[name];
        if (!found.IsDefined() || found.IsNull()) return {path, field + "." + name, YAML::Node(YAML::NodeType::Map)};
        if (!found.IsMap()) refuse(where(name), "must be a mapping");
        return {path, field + "." + name, found};
    }
};

Section load_file(const std::string& path) {
    std::ifstream in(path);
    if (!in) refuse(path, "cannot be read");
    try {
        YAML::Node root = YAML::Load(in);
        if (!root.IsMap()) refuse(path, "is not a kubeconfig: the document is no mapping");
        return {path, "", root};
    } catch (const YAML::Exception& error) {
        refuse(path, "is not YAML: line " + std::to_string(error.mark.line + 1) + ": " + error.msg);
    }
}

// The body of entry `name` in the list `list` ("clusters") under `body` ("cluster"), from the first file that has it.
Section find_entry(const std::vector<Section>& files, const std::string& list, const std::string& body,
                   const std::string& name, const std::string& wanted_by) {
    for (const Section& file : files) {
        if (!file.has(list)) continue;
        const YAML::Node entries = file.node[list];
        if (!entries.IsSequence()) refuse(file.where(list), "must be a list");
        for (size_t i = 0; i < entries.size(); ++i) {
            const Section entry{file.path, list + "[" + std::to_string(i) + "]", entries[i]};
            if (!entries[i].IsMap()) refuse(file.path + ": " + entry.field, "must be a mapping");
            if (entry.text("name") == name) return entry.child(body);
        }
    }
    refuse(wanted_by, "'" + name + "' is not in " + list);
}

void read_cluster(const Section& cluster, ClusterConfig& out) {
    out.server = cluster.text("server");
    while (out.server.ends_with('/')) out.server.pop_back();
    if (out.server.empty()) refuse(cluster.where("server"), "missing");
    const size_t scheme = out.server.starts_with("https://") ? 8 : out.server.starts_with("http://") ? 7 : 0;
    if (scheme == 0 || out.server.size() == scheme || out.server.find_first_of(" \t\r\n@?#") != std::string::npos) {
        refuse(cluster.where("server"), "'" + out.server + "' is no http:// or https:// URL of an API server");
    }
    out.tls_server_name = cluster.text("tls-server-name");
    out.insecure_skip_tls_verify = cluster.flag("insecure-skip-tls-verify");
    out.ca_pem = cluster.pem("certificate-authority-data");
    if (out.ca_pem.empty()) out.ca_file = cluster.file("certificate-authority");
    if (cluster.has("proxy-url")) refuse(cluster.where("proxy-url"), "proxies to the API server are not supported");
}

void read_user(const Section& user, ClusterConfig& out) {
    static constexpr std::pair<const char*, const char*> kUnsupported[] = {
        {"exec", "credential plugins are not supported; use a token, tokenFile or client certificate"},
        {"auth-provider", "auth providers are not supported; use a token, tokenFile or client certificate"},
        {"username", "basic authentication is not supported (Kubernetes removed it in 1.19)"},
        {"password", "basic authentication is not supported (Kubernetes removed it in 1.19)"},
        {"as", "impersonation is not supported"}};
    for (const auto& [field, problem] : kUnsupported) {
        if (user.has(field)) refuse(user.where(field), problem);
    }
    out.token = user.text("token");
    out.token_file = user.file("tokenFile");
    if (out.token.find_first_of("\r\n") != std::string::npos) refuse(user.where("token"), "holds a line break");
    out.client_certificate_pem = user.pem("client-certificate-data");
    if (out.client_certificate_pem.empty()) out.client_certificate_file = user.file("client-certificate");
    out.client_key_pem = user.pem("client-key-data");
    if (out.client_key_pem.empty()) out.client_key_file = user.file("client-key");
    const bool certificate = !out.client_certificate_pem.empty() || !out.client_certificate_file.empty();
    const bool key = !out.client_key_pem.empty() || !out.client_key_file.empty();
    if (certificate && !key) refuse(user.where("client-key"), "missing: client-certificate needs its key");
    if (key && !certificate) refuse(user.where("client-certificate"), "missing: client-key needs its certificate");
}

ClusterConfig read_files(const std::vector<std::string>& paths) {
    std::vector<Section> files;
    for (const std::string& path : paths) {
        std::error_code ignored;
        if (paths.size() > 1 && !fs::exists(path, ignored)) continue;  // as kubectl does
        files.push_back(load_file(path));
    }
    if (files.empty()) refuse(paths.empty() ? "KUBECONFIG" : paths.front(), "no kubeconfig file exists");
    const auto current = std::find_if(files.begin(), files.end(),
                                      [](const Section& file) { return !file.text("current-context").empty(); });
    if (current == files.end()) {
        refuse(files.front().where("current-context"),
               "missing: name one of the contexts, as `kubectl config use-context` does");
    }
    const Section context =
        find_entry(files, "contexts", "context", current->text("current-context"), current->where("current-context"));
    ClusterConfig out;
    out.source = current->path;
    const std::string cluster = context.text("cluster");
    if (cluster.empty()) refuse(context.where("cluster"), "missing");
    read_cluster(find_entry(files, "clusters", "cluster", cluster, context.where("cluster")), out);
    const std::string user = context.text("user");
    if (!user.empty()) read_user(find_entry(files, "users", "user", user, context.where("user")), out);
    return out;
}

std::vector<std::string> split_paths(const std::string& text) {
    std::vector<std::string> out;
    size_t begin = 0;
    while (begin <= text.size()) {
        const size_t end = std::min(text.find(':', begin), text.size());
        if (end > begin) out.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): at start, before any thread
        if (value == nullptr) return std::nullopt;
        return value;
    };
}

Result<ClusterConfig> load_kubeconfig(const std::vector<std::string>& paths) {
    try {
        return read_files(paths);
    } catch (const Refused& refused) {
        return refused.error;
    } catch (const YAML::Exception& error) {
        return Error{paths.empty() ? "kubeconfig" : paths.front(), "cannot be read as a kubeconfig: " + error.msg};
    }
}

Result<ClusterConfig> load_in_cluster(const Environment& environment, const std::string& service_account) {
    const std::string host = environment("KUBERNETES_SERVICE_HOST").value_or("");
    const std::string port = environment("KUBERNETES_SERVICE_PORT").value_or("");
    if (host.empty()) return Error{"KUBERNETES_SERVICE_HOST", "not set: this is no pod of a cluster"};
    if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos) {
        return Error{"KUBERNETES_SERVICE_PORT", "'" + port + "' is not a port"};
    }
    ClusterConfig out;
    out.source = "in-cluster";
    out.server = "https://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
    out.ca_file = service_account + "/ca.crt";
    out.token_file = service_account + "/token";
    for (const std::string& path : {out.token_file, out.ca_file}) {
        if (!std::ifstream(path)) {
            return Error{path,
                         "cannot be read: does the pod mount its service account (automountServiceAccountToken)?"};
        }
    }
    return out;
}

Result<ClusterConfig> load_config(const std::string& flag, const Environment& environment) {
    if (!flag.empty()) return load_kubeconfig({flag});
    if (!environment("KUBERNETES_SERVICE_HOST").value_or("").empty()) return load_in_cluster(environment);
    if (const auto paths = split_paths(environment("KUBECONFIG").value_or("")); !paths.empty())
        return load_kubeconfig(paths);
    const std::string home = environment("HOME").value_or("");
    std::error_code ignored;
    if (home.empty() || !fs::exists(home + "/.kube/config", ignored)) {
        return Error{"--kubeconfig",
                     "no API server to talk to: not in a cluster (KUBERNETES_SERVICE_HOST is not set), KUBECONFIG is "
                     "not set and " +
                         (home.empty() ? "~" : home) + "/.kube/config does not exist"};
    }
    return load_kubeconfig({home + "/.kube/config"});
}

}  // namespace steelyard::kube
