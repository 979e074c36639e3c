#pragma once
// An EndpointSlice to endpoints resources: one for each port of its Service that the slice has too. Pure.
//
// Ports match by name, as the EndpointSlice controller writes them; the number is the slice's own, so that named target ports
// and slices that give one name different numbers need no more. Which endpoints are in, and as what (KEP-1672):
//   ready, or no word of it                  ready
//   not ready, serving and terminating       draining: keeps what it has, takes nothing new
//   else                                     absent
// Weights and priorities are those of the Pods that the endpoints name; 1 and 0 where there is none or none that can be read.
// An endpoint, a port or a slice that cannot be used is left out and said; the rest goes on.
#include "controller/kube/objects.hpp"
#include "controller/translate/output.hpp"
#include "controller/translate/translator.hpp"
#include "controller/translate/view.hpp"

namespace steelyard::translate {

// The Service that the slice belongs to; nothing for one without the label.
kube::ObjectKey service_of(const kube::EndpointSlice& slice);

void translate_slice(const kube::ObjectKey& key, const Options& options, View& view, Output& out);

}  // namespace steelyard::translate
