// What elements of some sets count by, to and from the expressions that the kernel keeps with them.
// Pure, for this folder alone.
#pragma once

#include <optional>

#include "firewall/elements.h"

struct nftnl_expr;
struct nftnl_set_elem;

namespace burrow::firewall {

/// The expression of a Rate or a ConnectionCount: an element that has it counts as being in its set
/// only while the bound is exceeded. The caller hands it to an element or a set, which owns it.
nftnl_expr* bound_expression(const Field& bound);

/// What an element counts by; nothing where it does not, or otherwise than ours do.
std::optional<Field> read_bound(nftnl_set_elem* element);

}  // namespace burrow::firewall
