// Whether the kernel can make links of a kind: found out by making one. Only for a namespace that
// is thrown away; the links stay in it.
#pragma once

#include "core/result.h"

namespace burrow::host {

/// What a link can be, as far as networks need it.
enum class LinkKind { veth, bridge, bridge_with_vlans, macvlan, ipvlan, vrf };

/// Makes a link of `kind` in the calling thread's network namespace. One try of each kind per
/// namespace. Errors: unsupported when the kernel does not know the kind, permission, system.
Result<void> try_link_kind(LinkKind kind);

}  // namespace burrow::host
