#include "netstack/subcommands.h"

#include <array>

#include "netstack/limit_words.h"

namespace burrow::netstack {
namespace {

constexpr std::array kGlobalOptions{
    OptionText{'f', "file", "FILE", "read the request from FILE instead of standard input"},
    OptionText{0, "firewall-driver", "DRIVER",
               "nftables, firewalld or none [env: NETAVARK_FW; default: nftables]"},
    OptionText{'c', "config", "DIR", "run directory: journal, lock and DNS files"},
    OptionText{'r', "rootless", "BOOL", "true or false: run for an engine without root"},
    OptionText{'a', "aardvark-binary", "PATH", "DNS daemon; empty or missing: no DNS"},
    OptionText{0, "plugin-directory", "DIR", "where network plugins are; repeatable"},
    OptionText{0, "plugin-timeout", "SECONDS",
               "how long a plugin may run [env: BURROW_PLUGIN_TIMEOUT; default: 30]"},
};

constexpr std::array kVariables{
    VariableText{"NETAVARK_FW", "the firewall driver, unless --firewall-driver is given"},
    VariableText{"NETAVARK_DNS_PORT", "the port that the DNS daemon listens on, default 53"},
    VariableText{"BURROW_PUBLISH",
                 "open, the default, or host-firewall: published ports of networks without the "
                 "option publish are open only where the host's own firewall lets the packet in"},
    VariableText{"BURROW_OTHER_FIREWALLS",
                 "leave, the default, or accept: rules that accept packets of containers are put "
                 "into chains of other firewalls that would drop them, and taken out again with "
                 "the last container"},
    VariableText{"BURROW_PLUGIN_TIMEOUT", "seconds, unless --plugin-timeout is given"},
    VariableText{"BURROW_LOG, RUST_LOG",
                 "what is logged to standard error: off, error (the default), warn, info or debug"},
};

constexpr std::array kNetns{OperandText{"NETNS", "path of the container's network namespace"}};
constexpr std::array kNetworkName{OperandText{"NETWORK", "name of a network"}};
constexpr std::array kPlanned{
    OperandText{"COMMAND", "setup or teardown"},
    OperandText{"NETNS", "path of the container's network namespace"},
};
constexpr OptionText kFormat{0, "format", "FORMAT", "text, which is the default, or json"};
constexpr std::array kFormatOnly{kFormat};
constexpr std::array kWatchOptions{
    OptionText{0, "run-directory", "DIR", "whose journal counts, besides --config; repeatable"},
};
constexpr std::array kRepairOptions{
    OptionText{0, "dry-run", "", "change nothing: say what differs and what would mend it"},
    kFormat,
};
constexpr std::array kShow{
    OptionText{0, "counters", "", "with what passes each network and published port"}, kFormat};
constexpr std::array kShown{OperandText{"show", "the only word that can stand here"}};
constexpr std::array kTraceOptions{
    OptionText{0, "from", "ADDRESS", "who sends the packets"},
    OptionText{0, "to", "ADDRESS[:PORT]", "whom they are sent to; IPv6 with a port in brackets"},
    OptionText{0, "protocol", "PROTOCOL", "tcp, udp or sctp; with a port, tcp is the default"},
    OptionText{0, "packets", "NUMBER", "end after so many packets, 1 by default"},
};
constexpr std::array kUpdateOptions{
    OptionText{0, "network-dns-servers", "ADDRESSES",
               "servers, with commas between them; empty: none; repeatable"},
};

constexpr OptionText limit_option(std::string_view name, firewall::LimitKind kind) {
  const auto& limit = kLimitWords.at(static_cast<size_t>(kind));
  return {0, name, limit.value, limit.meaning};
}

constexpr std::array kLimitOptions{
    OptionText{0, "container", "CONTAINER",
               "by name or identifier; without it, limits of the network"},
    limit_option("egress-allow", firewall::LimitKind::egress_allow),
    limit_option("egress-deny", firewall::LimitKind::egress_deny),
    limit_option("ingress-allow", firewall::LimitKind::ingress_allow),
    limit_option("ingress-deny", firewall::LimitKind::ingress_deny),
    limit_option("connection-rate", firewall::LimitKind::connection_rate),
    limit_option("connections", firewall::LimitKind::connections),
    limit_option("packet-rate", firewall::LimitKind::packet_rate),
};

constexpr std::array kSubcommands{
    SubcommandText{
        Subcommand::setup,
        "setup",
        kNetns,
        {},
        "attach a container to networks and print what it got",
        "Reads a request from standard input: the container, the networks that it joins, their "
        "definitions and the ports that it publishes. Makes bridges, links, addresses, routes, "
        "firewall elements and DNS entries, and prints the addresses as JSON, by network.\n\n"
        "All or nothing: when anything fails, everything that was made is taken back. A set-up "
        "for a container that is set up already replaces what is there."},
    SubcommandText{
        Subcommand::teardown,
        "teardown",
        kNetns,
        {},
        "take a container off networks",
        "Reads the same request as setup, and takes back what the journal says was made for it. "
        "The namespace may be gone. Goes on after errors and reports them all. Networks that no "
        "container is left on go too, and our firewall table with the last one."},
    SubcommandText{
        Subcommand::create,
        "create",
        {},
        {},
        "complete a network and print its definition",
        "Reads a network as far as somebody described it, what is in use, and the pools that "
        "free subnets come from. Chooses the name of the bridge, subnets and gateways, checks "
        "every option, and prints the whole definition as JSON. Changes nothing; whoever called "
        "stores the definition."},
    SubcommandText{
        Subcommand::update, "update", kNetworkName, kUpdateOptions,
        "change the DNS servers of a network whose containers run",
        "Replaces the servers that names outside of the network are asked of, and tells the DNS "
        "daemon. A network without running containers has nothing to change: its next container "
        "brings the servers of its definition."},
    SubcommandText{
        Subcommand::limit, "limit", kNetworkName, kLimitOptions,
        "change whom a container or network may speak with, and how much",
        "Changes the limits that are named, in one transaction, while containers run; an empty "
        "word "
        "takes one away, the others stay. Lists hold addresses and prefixes of both families with "
        "commas between them, or the word none; those of whom one may send to also names, such as "
        "deb.debian.org or *.example.com, which burrow-dns opens as it answers them. Rates are "
        "such as 100/second or "
        "\"100/minute burst 20\". Connections that stand go on.\n\n"
        "A container's limits are those of its set-up again when it is set up anew. Lists of a "
        "network stay until its last container has gone. Rates are each container's."},
    SubcommandText{
        Subcommand::firewall_reload,
        "firewall-reload",
        {},
        {},
        "put our firewall table back after somebody flushed it",
        "Renews table inet burrow with all that the journal knows, in one transaction: networks, "
        "their isolation and the ports of all containers. Also where the table still stands, so "
        "that elements which somebody removed come back. Rules in chain admin stay. Where "
        "firewalld runs, our bridges come back into their zone. Without --config for all engines: "
        "those of /run/containers/networks and /run/burrow/networks."},
    SubcommandText{
        Subcommand::firewalld_reload,
        "firewalld-reload",
        {},
        {},
        "do so each time that firewalld has reloaded or started",
        "Does what firewall-reload does, and then waits on the message bus: firewalld forgets "
        "which zone our bridges are in whenever it reloads or starts. Runs until the bus goes; "
        "firewalld itself may come and go. For a unit: burrow-firewalld-reload.service."},
    SubcommandText{
        Subcommand::watch,
        "watch",
        {},
        kWatchOptions,
        "put back at once what somebody takes out of our firewall table",
        "Listens to the kernel's notices and, when table inet burrow, or a chain, rule, set or "
        "element of it goes, puts back what is missing from the journals, in one transaction. "
        "Rules of chain admin come back with a table that was deleted. Tables of others are never "
        "touched. Waits for commands that are at work, so that what they take away stays away.\n\n"
        "Who keeps taking things away is named and waited out with growing pauses. Sleeps while "
        "nothing happens; runs until a signal ends it. Tells the service manager when it is ready "
        "($NOTIFY_SOCKET).\n\n"
        "Without --config and --run-directory, it heals for Podman (/run/containers/networks) and "
        "for burrow (/run/burrow/networks)."},
    SubcommandText{
        Subcommand::repair,
        "repair",
        {},
        kRepairOptions,
        "compare the journal with the host, and mend what differs",
        "Looks at every network and container on record: bridges, links, addresses, settings, "
        "firewall, names, and namespaces that are gone. Prints what differs and mends it: puts "
        "back "
        "what is missing, and takes down what is left of containers that died. Says what it cannot "
        "mend, and who can. Waits for a command that is at work, and is safe to repeat.\n\n"
        "Exit status 0: the host is as the journal says, or is so by now; 1: something is left. "
        "Without --config, Podman's run directory is meant."},
    SubcommandText{
        Subcommand::firewall, "firewall", kShown, kShow,
        "show who is in the firewall: networks, and who publishes what",
        "Reads table inet burrow and prints its networks, with their isolation and their way "
        "outside, and the published ports with their containers. Counters are those that the "
        "kernel keeps of every bridge anyway. Changes nothing."},
    SubcommandText{
        Subcommand::trace,
        "trace",
        {},
        kTraceOptions,
        "follow a packet through all tables and say what each chain does",
        "Waits for packets from one address to another, and prints what every rule that matched "
        "them did, in tables of others too, and who dropped them. Answers are not followed. "
        "Packets between two ports of one bridge meet no table unless br_netfilter is on.\n\n"
        "While it runs there is a table inet burrow_trace that marks these packets; it goes with "
        "the program, however that ends."},
    SubcommandText{
        Subcommand::plan, "plan", kPlanned, kFormatOnly,
        "show what setup or teardown would do, and do nothing",
        "Reads the request and prints the steps in their order: for people as a numbered list, or "
        "as JSON. What setup would refuse is refused with the same error. Where an earlier command "
        "was cut short, says first what would be recovered. Waits for a command that is at work; "
        "changes neither the host nor the container nor any file."},
    SubcommandText{
        Subcommand::doctor,
        "doctor",
        {},
        kFormatOnly,
        "say what this host lacks for containers, and the remedy",
        "Tries every kernel feature in a network namespace that is thrown away, and looks at "
        "settings, foreign firewall rules, who holds port 53, and privileges. Prints a table, or "
        "JSON. Nothing is changed, but that the kernel may load modules for what is tried.\n\n"
        "Exit status 0: containers will work, perhaps with warnings; 1: they will not."},
    SubcommandText{Subcommand::dhcp_proxy,
                   "dhcp-proxy",
                   {},
                   {},
                   "run burrow-dhcp, which gets addresses for containers",
                   "Becomes burrow-dhcp, which lies beside this program or in PATH. Everything "
                   "behind the sub-command is for it; --help there tells of its options."},
    SubcommandText{Subcommand::version,
                   "version",
                   {},
                   {},
                   "print version and build as JSON",
                   "Prints version, commit, time of build, target and default firewall driver."},
};

}  // namespace

std::span<const SubcommandText> all_subcommands() { return kSubcommands; }
std::span<const OptionText> global_options() { return kGlobalOptions; }
std::span<const VariableText> all_variables() { return kVariables; }

}  // namespace burrow::netstack
