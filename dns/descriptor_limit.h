// How many descriptors this process may have: a socket per forwarded question and per connection.
#pragma once

namespace burrow::dns {

/// Raises the limit as far as it goes, up to what the limits of all servers take together. Where it
/// cannot be raised, questions beyond it fail as if their servers could not be reached.
void raise_descriptor_limit();

}  // namespace burrow::dns
