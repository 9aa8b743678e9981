// A rule of anybody's as words, close to nft's own: for people who follow a packet. Not complete:
// what has no word here is named by its kind. For this folder alone.
#pragma once

#include <string>

#include "firewall/nftnl.h"

namespace burrow::firewall {

/// "iifname @bridges, ct state established,related, accept"; printable whatever the rule holds.
std::string rule_words(const nftnl_rule* rule);

}  // namespace burrow::firewall
