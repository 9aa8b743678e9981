// A lease on a container's link: address, routes and MTU, put there, changed and taken off.
#pragma once

#include "dhcp/footing.h"
#include "dhcp/protocol.h"

namespace burrow::dhcp {

/// Puts the lease on the link, all or nothing. The kernel takes the address off at the end of the
/// lease even if we do not live to see it. Errors: the kernel's, naming the address or route.
Result<void> put_on_link(Footing& footing, const LeaseRequest& request, const Lease& lease,
                         Instant since);
/// Brings the link from `before` to `after`, a renewal of the same address. What cannot be done is
/// logged: the container goes on with what it has.
void renew_on_link(Footing& footing, const LeaseRequest& request, const Lease& before,
                   const Lease& after, Instant since);
/// Takes the lease off the link; what is gone already is fine.
void take_off_link(Footing& footing, const LeaseRequest& request, const Lease& lease);

}  // namespace burrow::dhcp
