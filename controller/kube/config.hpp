#pragma once
// Where the API server is and how to be let in: from a kubeconfig file or from the environment of a pod. Every error
// names the file and the field. Files that may be rotated (CA, client certificate, token) are kept as paths and read
// when they are used. Source: "Organizing Cluster Access Using kubeconfig Files" and client-go's clientcmd/api/v1.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace steelyard::kube {

// Of each pair `_file` and `_pem` at most one is set; `_pem` is PEM text out of the kubeconfig itself.
struct ClusterConfig {
    std::string source;           // for messages: "in-cluster" or the kubeconfig's path
    std::string server;           // http(s)://host[:port][/prefix], no slash at the end
    std::string tls_server_name;  // the name its certificate must have; empty: the host of `server`
    bool insecure_skip_tls_verify = false;
    std::string ca_file;
    std::string ca_pem;  // neither: the system's trust store
    std::string client_certificate_file;
    std::string client_certificate_pem;
    std::string client_key_file;
    std::string client_key_pem;
    std::string token;       // fixed bearer token
    std::string token_file;  // read again when it changes; wins over `token`
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// Where to look, in this order: `flag` (--kubeconfig) if not empty; in-cluster if KUBERNETES_SERVICE_HOST is set; the
// files of KUBECONFIG (colon-separated, the first to define a thing wins); $HOME/.kube/config.
Result<ClusterConfig> load_config(const std::string& flag, const Environment& environment = process_environment());

// The current context of the merged files. A file that does not exist is an error only if all do not.
Result<ClusterConfig> load_kubeconfig(const std::vector<std::string>& paths);

// `service_account` is the folder with `token` and `ca.crt`.
Result<ClusterConfig> load_in_cluster(
    const Environment& environment,
    const std::string& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace steelyard::kube
