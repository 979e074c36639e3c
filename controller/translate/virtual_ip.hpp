#pragma once
// A Service of type LoadBalancer that has addresses of ours to what edges need: a listener for each of its ports at each address, and
// the virtual IP itself. Pure. What it has is what its status and its annotation say, whoever wrote them: every controller translates,
// one of them writes.
//
// A Service counts if it is of our class, or of none and has a router id (which nobody but us gives). A listener is of HTTP if the
// port's appProtocol is http or kubernetes.io/ws, or as steelyard.dev/listener-protocol (http, tcp) says; else TCP, even where the
// upstream is of HTTP by its port's name. externalTrafficPolicy Local: only endpoints on the edge's node are used, only nodes with one
// hold the addresses, and endpoints see the client's address, if Options::edge_transparent.
#include <vector>

#include "controller/kube/objects.hpp"
#include "controller/translate/output.hpp"
#include "controller/translate/service.hpp"
#include "controller/translate/view.hpp"

namespace steelyard::translate {

void translate_virtual_ip(const kube::Service& service, const std::vector<Port>& ports, const Options& options,
                          View& view, Output& out);

}  // namespace steelyard::translate
