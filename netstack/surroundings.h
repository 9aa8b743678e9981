// What the command line and the environment settle for all commands.
#pragma once

#include <filesystem>

#include "netstack/dns_daemon.h"
#include "netstack/plan.h"
#include "netstack/run_plugin.h"

namespace burrow::netstack {

/// Where a command works and with what.
struct Surroundings {
  std::filesystem::path run_directory;
  DnsDaemon dns;
  FirewallDriver firewall = FirewallDriver::nftables;
  firewall::Publishing publishing = firewall::Publishing::open;
  firewall::OtherFirewalls other_firewalls = firewall::OtherFirewalls::leave;
  PluginSettings plugins = {};
};

}  // namespace burrow::netstack
