#include "controller/cluster.hpp"

#include <atomic>
#include <utility>

#include "controller/kube/client.hpp"
#include "controller/kube/config.hpp"
#include "controller/kube/rest_transport.hpp"
#include "controller/kube/service_cidrs.hpp"

namespace steelyard {

class Cluster::Impl {
public:
    Impl(const ControllerOptions& options, OnLeadership on_leadership, std::unique_ptr<kube::Client> client,
         std::unique_ptr<kube::Client> lease_client, std::unique_ptr<kube::Client> vip_client,
         std::unique_ptr<kube::Transport> watches)
        : on_leadership_(std::move(on_leadership)),
          client_(std::move(client)),
          lease_client_(std::move(lease_client)),
          vip_client_(std::move(vip_client)),
          watches_(std::move(watches)),
          recorder_(*client_, {.identity = options.identity}),
          statuses_(*client_, [this] { return is_leader(); }),
          leases_(*vip_client_, *watches_, options.ns) {
        if (options.election.enabled) {
            elector_.emplace(
                *lease_client_, *watches_,
                leader::ElectorOptions{options.ns, options.election.lease_name,
                                       leader::unique_identity(options.identity), options.election.timing},
                leader::Elector::Callbacks{[this] { on_leadership_(true); }, [this] { on_leadership_(false); }});
        }
        if (options.webhook.enabled) cidrs_.emplace(*client_);
    }

    void start() {
        recorder_.start();
        statuses_.start();
        if (cidrs_) cidrs_->start();
        if (elector_) return elector_->start();
        alone_ = true;
        on_leadership_(true);
    }
    void request_stop() {
        if (elector_) elector_->request_stop();
        if (cidrs_) cidrs_->request_stop();
        recorder_.request_stop();
        statuses_.request_stop();
        leases_.request_stop();
    }
    void stop() {
        request_stop();
        if (elector_) elector_->stop();
        if (cidrs_) cidrs_->stop();
        recorder_.stop();
        statuses_.stop();
        leases_.stop();
    }
    bool is_leader() const { return elector_ ? elector_->is_leader() : alone_.load(); }

    const OnLeadership on_leadership_;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<kube::Client> lease_client_;  // whose requests end in time for a leader to stop
    std::unique_ptr<kube::Client> vip_client_;    // whose requests end before an edge gives up its claim
    std::unique_ptr<kube::Transport> watches_;
    events::Recorder recorder_;
    status::Writer statuses_;
    viplease::Keeper leases_;
    std::optional<kube::ServiceCidrs> cidrs_;
    std::optional<leader::Elector> elector_;
    std::atomic<bool> alone_ = false;
};

Cluster::Cluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cluster::~Cluster() { stop(); }

Result<std::unique_ptr<Cluster>> Cluster::make(const kube::ClusterConfig& config, const ControllerOptions& options,
                                               OnLeadership on_leadership) {
    auto client = kube::make_client(config);
    if (!client) return client.error();
    auto lease_client = kube::make_client(config, leader::request_limit(options.election.timing));
    if (!lease_client) return lease_client.error();
    auto vip_client = kube::make_client(config, viplease::kRequestLimit);
    if (!vip_client) return vip_client.error();
    auto watches = kube::make_rest_transport(config);
    if (!watches) return watches.error();
    return std::unique_ptr<Cluster>(
        new Cluster(std::make_unique<Impl>(options, std::move(on_leadership), std::move(*client),
                                           std::move(*lease_client), std::move(*vip_client), std::move(*watches))));
}

void Cluster::start() { impl_->start(); }
void Cluster::request_stop() { impl_->request_stop(); }
void Cluster::stop() { impl_->stop(); }
bool Cluster::is_leader() const { return impl_->is_leader(); }
events::Sink& Cluster::events() { return impl_->recorder_; }
status::Writer& Cluster::statuses() { return impl_->statuses_; }
viplease::Keeper& Cluster::leases() { return impl_->leases_; }
kube::Client& Cluster::client() { return *impl_->client_; }

std::vector<std::string> Cluster::service_cidrs() const {
    return impl_->cidrs_ ? impl_->cidrs_->current() : std::vector<std::string>();
}

ClusterStats Cluster::stats() const {
    ClusterStats out;
    if (impl_->elector_) out.election = impl_->elector_->stats();
    out.election.leading = is_leader();
    out.events = impl_->recorder_.stats();
    out.statuses = impl_->statuses_.stats();
    out.leases = impl_->leases_.stats();
    return out;
}

}  // namespace steelyard
