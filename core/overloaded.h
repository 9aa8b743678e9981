// Several lambdas as one visitor of a variant.
#pragma once

namespace burrow {

/// Calls whichever of `Visitors` takes the argument best; for std::visit.
template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

}  // namespace burrow
