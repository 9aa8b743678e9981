// `burrow network ...`.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "engine/cli.h"
#include "engine/connections.h"
#include "engine/describe.h"
#include "engine/lifecycle.h"
#include "engine/limits.h"
#include "engine/network_flags.h"
#include "engine/networks.h"
#include "engine/table.h"
#include "netstack/limit_words.h"

namespace burrow::engine {
namespace {

constexpr int kIndent = 5;  // of `inspect`, as in the definition files
constexpr int kExitNoNetwork = 1;
constexpr int kExitInUse = 2;

std::string subnets_text(const netstack::Network& network) {
  std::vector<std::string> texts;
  for (const auto& subnet : network.subnets) texts.push_back(subnet.network.to_string());
  return fmt::format("{}", fmt::join(texts, ","));
}

void add_create(CLI::App& network, Session& session) {
  struct Options {
    NewNetwork wanted;
    NetworkFlags flags;
    std::string name;
    bool no_dns = false;
    bool ignore = false;
  };
  auto* command = network.add_subcommand("create", "Create a network; prints its name");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "Name of the network (default: the next burrowN)");
  command->add_option("-d,--driver", options->wanted.driver, "Driver: bridge")
      ->capture_default_str();
  command->add_option("--subnet", options->flags.subnets,
                      "Subnet as ADDRESS/LENGTH; repeat for several (default: the next free one)");
  command
      ->add_option("--gateway", options->flags.gateways,
                   "Gateway of the subnet given at the same position")
      ->delimiter(',');
  command->add_option("--ip-range", options->flags.ranges,
                      "Addresses to hand out, as prefix or START-END, of the subnet at the same "
                      "position");
  command->add_flag("--ipv6", options->wanted.wants_ipv6, "Make sure that there is an IPv6 subnet");
  command->add_flag("--internal", options->wanted.is_internal, "No way outside");
  command->add_flag("--disable-dns", options->no_dns, "Containers do not find each other by name");
  command->add_option("--dns", options->flags.dns_servers, "DNS server to forward to");
  command->add_option("--route", options->flags.routes,
                      "Static route in the containers: DESTINATION,GATEWAY[,METRIC]");
  command->add_option("--label", options->flags.labels, "Label as KEY[=VALUE]");
  command->add_option(
      "-o,--opt", options->flags.options,
      "Driver option as KEY=VALUE: gateway_mode, isolate, metric, mtu, "
      "no_default_route, outbound_addr4, outbound_addr6, publish; for names dns_domain, dns_order, "
      "dns_records, dns_ttl");
  command->add_option("--interface-name", options->flags.interface, "Name of the bridge");
  command->add_flag("--ignore", options->ignore, "An existing network of that name is fine");
  for (auto* option : command->get_options()) {
    // One word for each mention: what follows is the name.
    if (option->get_items_expected_max() > 1) option->allow_extra_args(false);
  }
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      auto& wanted = options->wanted;
      if (!options->name.empty()) wanted.name = options->name;
      wanted.has_dns = !options->no_dns;
      TRY_VOID(apply_flags(options->flags, wanted));
      const auto name = TRY(
          create_network(engine, wanted, options->ignore ? WhenPresent::keep : WhenPresent::fail));
      show(name.str() + "\n");
      return {};
    });
  });
}

Result<void> check_format(const std::string& format) {
  if (format.empty() || format == "json" || format == "table") return {};
  return fail(Errc::invalid_input, "unknown format \"{}\": must be table or json", format);
}

void list(Engine& engine, const std::string& format, bool names_only) {
  const auto networks = engine.definitions.load().value_or(std::vector<netstack::Network>{});
  if (format == "json") {
    Json all = Json::array();
    for (const auto& network : networks) all.push_back(netstack::encode(network));
    return show(all.dump(2) + "\n");
  }
  std::vector<Row> rows{{"NETWORK ID", "NAME", "DRIVER", "BRIDGE", "SUBNETS", "DNS"}};
  if (names_only) rows.clear();
  for (const auto& network : networks) {
    if (names_only) {
      rows.push_back({network.name.str()});
      continue;
    }
    rows.push_back({network.id.substr(0, 12), network.name.str(), network.driver,
                    network.interface ? network.interface->str() : "", subnets_text(network),
                    network.has_dns ? "on" : "off"});
  }
  show(render_table(rows));
}

void add_list(CLI::App& network, Session& session) {
  struct Options {
    std::string format;
    bool names_only = false;
  };
  auto* command = network.add_subcommand("ls", "List networks")->alias("list");
  auto options = std::make_shared<Options>();
  command->add_option("--format", options->format, "table or json");
  command->add_flag("-q,--quiet", options->names_only, "Names only");
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      TRY_VOID(check_format(options->format));
      list(engine, options->format, options->names_only);
      return {};
    });
  });
}

Result<Json> inspect_network(const NetworkView& view) {
  auto json = netstack::encode(view.network);
  json["containers"] = Json::object();
  for (const auto& container : view.containers) {
    Json interfaces = Json::object();
    for (const auto& attachment : container.attachments) {
      if (attachment.network != view.network.name || attachment.status.empty()) continue;
      const auto block = TRY(parse_json(attachment.status));
      if (const auto found = TRY(JsonCursor{block}.find("interfaces"))) {
        interfaces = found->value();
      }
    }
    json["containers"][container.id.str()] = {{"name", container.name.str()},
                                              {"interfaces", std::move(interfaces)}};
  }
  return json;
}

void add_inspect(CLI::App& network, Session& session) {
  auto* command = network.add_subcommand("inspect", "Show networks as JSON");
  auto names = std::make_shared<std::vector<std::string>>();
  command->add_option("NETWORK", *names, "Names or IDs")->required();
  command->callback([names, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      const auto views = TRY(view_networks(engine));
      Json all = Json::array();
      for (const auto& name : *names) {
        const auto found = engine.definitions.get(name);
        if (!found) {
          auto error = found.error();
          error.message = fmt::format("network {}: {}", name, error.message);
          show_error(session, error);
          continue;
        }
        for (const auto& view : views) {
          if (view.network.name == found->name) all.push_back(TRY(inspect_network(view)));
        }
      }
      show(all.dump(kIndent) + "\n");
      return {};
    });
  });
}

int exit_code_of(RemovalFailure failure) {
  switch (failure) {
    case RemovalFailure::none:
      return 0;
    case RemovalFailure::not_found:
      return kExitNoNetwork;
    case RemovalFailure::in_use:
      return kExitInUse;
    case RemovalFailure::other:
      return kExitEngineError;
  }
  return kExitEngineError;
}

void add_remove(CLI::App& network, Session& session) {
  struct Options {
    std::vector<std::string> names;
    bool force = false;
  };
  auto* command = network.add_subcommand("rm", "Remove networks")->alias("remove");
  auto options = std::make_shared<Options>();
  command->add_option("NETWORK", options->names, "Names or IDs")->required();
  command->add_flag("-f,--force", options->force,
                    "Remove the containers on it as well; a missing network is fine");
  command->footer("Exit code: 1 when a network does not exist, 2 when one is in use.");
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      const auto force = options->force ? Force::yes : Force::no;
      for (const auto& name : options->names) {
        const auto removal = remove_network(engine, name, force);
        if (removal.failure == RemovalFailure::none) {
          show(name + "\n");
        } else if (!(options->force && removal.failure == RemovalFailure::not_found)) {
          show_error(session, {Errc::system, removal.message}, exit_code_of(removal.failure));
        }
      }
      return {};
    });
  });
}

void add_exists(CLI::App& network, Session& session) {
  auto* command = network.add_subcommand("exists", "Exit 0 if a network exists, 1 if not");
  auto name = std::make_shared<std::string>();
  command->add_option("NETWORK", *name, "Name or ID")->required();
  command->callback([name, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      const auto found = engine.definitions.get(*name);
      if (!found && found.error().code != Errc::not_found) return Failure{found.error()};
      session.exit_code = found ? 0 : kExitNoNetwork;
      return {};
    });
  });
}

struct ConnectOptions {
  std::string network;
  std::string container;
  std::string address4;
  std::string address6;
  std::string mac;
  std::vector<std::string> aliases;
};

Result<NetworkChoice> choice_of(const ConnectOptions& options) {
  auto choice = NetworkChoice{.network = options.network, .aliases = options.aliases};
  for (const auto& text : {options.address4, options.address6}) {
    if (!text.empty()) choice.addresses.push_back(TRY(IpAddress::parse(text)));
  }
  for (const auto& alias : options.aliases) TRY(parse_alias(alias));
  if (!options.mac.empty()) choice.mac = TRY(parse_link_mac(options.mac));
  return choice;
}

void add_connect(CLI::App& network, Session& session) {
  auto* command = network.add_subcommand("connect", "Connect a container to a further network");
  auto options = std::make_shared<ConnectOptions>();
  command->add_option("NETWORK", options->network, "Name or ID")->required();
  command->add_option("CONTAINER", options->container, "Name or ID")->required();
  command->add_option("--ip", options->address4, "IPv4 address");
  command->add_option("--ip6", options->address6, "IPv6 address");
  command->add_option("--mac-address", options->mac, "MAC address");
  command->add_option("--alias", options->aliases, "Further DNS name; may repeat")
      ->allow_extra_args(false);
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      return connect_container(engine, options->container, TRY(choice_of(*options)));
    });
  });
}

void add_disconnect(CLI::App& network, Session& session) {
  struct Options {
    std::string network;
    std::string container;
    bool force = false;
  };
  auto* command = network.add_subcommand("disconnect", "Disconnect a container from a network");
  auto options = std::make_shared<Options>();
  command->add_option("NETWORK", options->network, "Name or ID")->required();
  command->add_option("CONTAINER", options->container, "Name or ID")->required();
  command->add_flag("-f,--force", options->force, "Accepted for compatibility; changes nothing");
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) {
      return disconnect_container(engine, options->container, options->network);
    });
  });
}

void add_limit(CLI::App& network, Session& session) {
  struct Options {
    std::string network;
    std::string container;
    LimitChanges changes;
  };
  auto* command = network.add_subcommand(
      "limit", "Change whom a network's containers, or one of them, may speak with, and how much");
  auto options = std::make_shared<Options>();
  command->add_option("NETWORK", options->network, "Name or ID")->required();
  command->add_option("--container", options->container, "Only this one: name or ID");
  for (const auto& limit : netstack::kLimitWords) {
    auto flag = fmt::format("--{}", limit.key);
    std::ranges::replace(flag, '_', '-');
    command
        ->add_option_function<std::string>(
            flag,
            [options, key = std::string{limit.key}](const std::string& word) {
              options->changes[key] = word;
            },
            std::string{limit.meaning})
        ->type_name(std::string{limit.value});
  }
  command->footer(
      "Lists are addresses, prefixes and the like with commas between them, or none; an empty "
      "word\n"
      "takes a limit away. Holds at once and for every start to come.\n"
      "Example: burrow network limit front --container web --egress-deny 198.51.100.0/24");
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      if (options->changes.empty()) {
        return fail(Errc::invalid_input, "say which limit, such as --egress-deny 192.0.2.0/24");
      }
      if (options->container.empty()) {
        return limit_network(engine, options->network, options->changes);
      }
      return limit_container(engine, options->container, options->network, options->changes);
    });
  });
}

}  // namespace

void add_network_commands(CLI::App& app, Session& session) {
  auto* network = app.add_subcommand("network", "Create, show, join and remove networks");
  network->require_subcommand(1);
  add_create(*network, session);
  add_list(*network, session);
  add_inspect(*network, session);
  add_remove(*network, session);
  add_exists(*network, session);
  add_connect(*network, session);
  add_disconnect(*network, session);
  add_limit(*network, session);
}

}  // namespace burrow::engine
