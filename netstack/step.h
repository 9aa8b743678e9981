// The vocabulary of plans: each step is one kernel transaction or one file, has a pure inverse, and
// is what dry runs print, what the journal stores and what teardown inverts. Acts on nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/names.h"
#include "core/port.h"
#include "dhcp/protocol.h"
#include "firewall/accepts.h"
#include "firewall/elements.h"
#include "host/lan_link.h"
#include "host/link_values.h"
#include "netstack/plugin.h"

namespace burrow::netstack {

/// Which network namespace a step acts in.
enum class Place { host, container };

/// What happens to our nftables table as a whole.
enum class TableChange { keep, create, mend, replace, remove };

/// A link of ours to be deleted: only if it still has the MAC address that we gave it.
struct OwnedLink {
  LinkName name;
  MacAddress mac;
  friend bool operator==(const OwnedLink&, const OwnedLink&) = default;
};

struct CreateBridge {
  host::NewBridge bridge;
  friend bool operator==(const CreateBridge&, const CreateBridge&) = default;
};
/// Has a bridge of somebody else keep VLANs apart, or not.
struct SetVlanFiltering {
  LinkName bridge;
  host::VlanFiltering filtering = host::VlanFiltering::on;
  friend bool operator==(const SetVlanFiltering&, const SetVlanFiltering&) = default;
};
/// Has what a bridge passes from port to port meet the firewall, or not any more: so that limits of
/// containers hold within their network.
struct LeadBridgedPackets {
  LinkName bridge;
  host::BridgedPackets packets = host::BridgedPackets::through_firewall;
  friend bool operator==(const LeadBridgedPackets&, const LeadBridgedPackets&) = default;
};
/// Puts a bridge into a zone of firewalld, where that runs beside us. Without it what firewalld's
/// default zone lets through is all that containers have; taking part is no condition for them to
/// start.
struct JoinZone {
  LinkName bridge;
  std::string zone;
  friend bool operator==(const JoinZone&, const JoinZone&) = default;
};
/// Takes it out of that zone, or of ours if it came there meanwhile; out of no other.
struct LeaveZone {
  LinkName bridge;
  std::string zone;
  friend bool operator==(const LeaveZone&, const LeaveZone&) = default;
};
/// Has chains of other firewalls accept what a network needs, where they would drop it and their
/// administrator leaves that to us. On record whether there are such chains or not: they may come
/// later. No condition for containers to start. Put back for a network that has them on record, for
/// containers that run already, they are not this step's to take out again.
struct PlaceAccepts {
  enum class Occasion : uint8_t { beginning, put_back };
  firewall::Accepts accepts;
  Occasion occasion = Occasion::beginning;
  friend bool operator==(const PlaceAccepts&, const PlaceAccepts&) = default;
};
/// Takes those rules out again, and nothing else; gone is fine.
struct RemoveAccepts {
  firewall::Accepts accepts;
  friend bool operator==(const RemoveAccepts&, const RemoveAccepts&) = default;
};
struct CreateVeth {
  host::NewVeth veth;
  friend bool operator==(const CreateVeth&, const CreateVeth&) = default;
};
/// A macvlan or ipvlan link, born inside the container on a parent of the host.
struct CreateLanLink {
  host::NewLanLink link;
  friend bool operator==(const CreateLanLink&, const CreateLanLink&) = default;
};
/// Deletes the links inside the container that are in these link groups; gone is fine.
struct DeleteLinkGroups {
  std::vector<uint32_t> groups;
  friend bool operator==(const DeleteLinkGroups&, const DeleteLinkGroups&) = default;
};
struct EnableHairpin {
  LinkName link;
  friend bool operator==(const EnableHairpin&, const EnableHairpin&) = default;
};
struct BringUp {
  Place place;
  LinkName link;
  friend bool operator==(const BringUp&, const BringUp&) = default;
};
struct TakeDown {
  Place place;
  LinkName link;
  friend bool operator==(const TakeDown&, const TakeDown&) = default;
};
/// Brings the container's loopback up, by which it gets its address 127.0.0.1/8.
struct StartLoopback {
  friend bool operator==(const StartLoopback&, const StartLoopback&) = default;
};
struct StopLoopback {
  friend bool operator==(const StopLoopback&, const StopLoopback&) = default;
};
/// Has answers to ::1 taken in from the bridge, so that ports published there work; goes with it.
struct AnswerLoopback {
  LinkName bridge;
  friend bool operator==(const AnswerLoopback&, const AnswerLoopback&) = default;
};
/// Deletes links in one grace period; links that are gone or not ours are left alone.
struct DeleteLinks {
  std::vector<OwnedLink> links;
  friend bool operator==(const DeleteLinks&, const DeleteLinks&) = default;
};
/// Deletes a link inside the container that somebody else made; gone is fine.
struct DeleteContainerLink {
  LinkName link;
  friend bool operator==(const DeleteContainerLink&, const DeleteContainerLink&) = default;
};
struct AddAddress {
  Place place;
  LinkName link;
  IpInterface address;
  friend bool operator==(const AddAddress&, const AddAddress&) = default;
};
struct RemoveAddress {
  Place place;
  LinkName link;
  IpInterface address;
  friend bool operator==(const RemoveAddress&, const RemoveAddress&) = default;
};
/// A route inside the container.
struct AddRoute {
  host::Route route;
  friend bool operator==(const AddRoute&, const AddRoute&) = default;
};
struct RemoveRoute {
  host::Route route;
  friend bool operator==(const RemoveRoute&, const RemoveRoute&) = default;
};
/// A kernel setting, its key with slashes.
struct Setting {
  std::string key;
  std::string value;
  friend bool operator==(const Setting&, const Setting&) = default;
};
/// Tells systemd-sysctl the settings of a link that is about to be made, in a file of its own:
/// udev has that program set what *it* knows whenever a link appears, on top of what we set.
struct KeepSettings {
  LinkName link;
  std::vector<Setting> settings;
  std::optional<std::vector<Setting>> before = {};  ///< what the file says; nothing: there is none
  friend bool operator==(const KeepSettings&, const KeepSettings&) = default;
};
/// Takes that file away; gone is fine.
struct ForgetSettings {
  LinkName link;
  friend bool operator==(const ForgetSettings&, const ForgetSettings&) = default;
};
/// Sets `key`. `before` is the value that is there now; nothing for a setting that goes with its
/// link. The forwarding switches change settings of every link with them: those are remembered in
/// `along` and put back, where they are still there, when the step is taken back (`taking_back`).
struct SetSysctl {
  Place place;
  std::string key;
  std::string value;
  std::optional<std::string> before;
  std::vector<Setting> along;
  bool taking_back = false;
  friend bool operator==(const SetSysctl&, const SetSysctl&) = default;
};
/// One atomic change of our nftables table. `restore` is what a table that was flushed or outdated
/// gets back for those who are there already; taking the step back leaves it.
struct ChangeFirewall {
  TableChange table = TableChange::keep;
  std::vector<firewall::Element> restore;
  std::vector<firewall::Element> remove;
  std::vector<firewall::Element> add;
  friend bool operator==(const ChangeFirewall&, const ChangeFirewall&) = default;
};
/// One change of what firewalld has for us, where that is the firewall driver. The elements become
/// links in zones, entries of ipsets and rich rules (firewall/firewalld_entries). `restore` is put
/// back for those who are there already; taking the step back leaves it.
struct ChangeFirewalld {
  std::vector<firewall::Element> restore;
  std::vector<firewall::Element> remove;
  std::vector<firewall::Element> add;
  friend bool operator==(const ChangeFirewalld&, const ChangeFirewalld&) = default;
};
/// Forgets tracked UDP flows to these host ports that lead elsewhere than to `targets`.
struct ForgetFlows {
  std::vector<PortMapping> ports;
  std::vector<IpAddress> targets;
  friend bool operator==(const ForgetFlows&, const ForgetFlows&) = default;
};
/// Puts a container's line into a network's DNS file, made if missing.
struct AddDnsEntry {
  std::string file;  ///< name inside the DNS directory
  ContainerId container;
  std::string header;
  std::string entry;
  std::optional<std::string> header_before;  ///< what taking the step back puts back
  friend bool operator==(const AddDnsEntry&, const AddDnsEntry&) = default;
};
/// Writes the network's own lines and a container's anew, in the place of those that are on record.
struct ReplaceDnsEntry {
  std::string file;
  ContainerId container;
  std::string header;
  std::string entry;
  std::string header_before;
  std::string entry_before;
  friend bool operator==(const ReplaceDnsEntry&, const ReplaceDnsEntry&) = default;
};
/// Takes a container's line out; a file without containers goes. The header becomes `header` again,
/// if there is one.
struct RemoveDnsEntry {
  std::string file;
  ContainerId container;
  std::optional<std::string> header;
  friend bool operator==(const RemoveDnsEntry&, const RemoveDnsEntry&) = default;
};
/// Has the DNS daemon serve the files: started if it does not run, told to read them again if it
/// does.
struct ServeDns {
  friend bool operator==(const ServeDns&, const ServeDns&) = default;
};
/// Tells the DNS daemon, if it runs, to read its files again.
struct NotifyDns {
  friend bool operator==(const NotifyDns&, const NotifyDns&) = default;
};

/// Has a plugin make its whole attachment, which is opaque to us. `answer` is its StatusBlock, once
/// it has given it.
struct SetUpPlugin {
  PluginCall call;
  std::optional<std::string> answer;
  friend bool operator==(const SetUpPlugin&, const SetUpPlugin&) = default;
};
/// Has a plugin end its attachment, told what it was set up with.
struct TearDownPlugin {
  PluginCall call;
  friend bool operator==(const TearDownPlugin&, const TearDownPlugin&) = default;
};

/// Has the DHCP proxy get a lease, which puts what it says on the link and keeps it there.
struct AcquireLease {
  dhcp::LeaseRequest request;
  friend bool operator==(const AcquireLease&, const AcquireLease&) = default;
};
/// Has the DHCP proxy give a lease back; one that it does not have is fine, and so is no proxy: the
/// lease ends by itself then.
struct ReleaseLease {
  dhcp::Holder holder;
  friend bool operator==(const ReleaseLease&, const ReleaseLease&) = default;
};

using Step =
    std::variant<CreateBridge, SetVlanFiltering, LeadBridgedPackets, KeepSettings, ForgetSettings,
                 JoinZone, LeaveZone, PlaceAccepts, RemoveAccepts, CreateVeth, CreateLanLink,
                 DeleteLinkGroups, EnableHairpin, BringUp, TakeDown, StartLoopback, StopLoopback,
                 AnswerLoopback, DeleteLinks, DeleteContainerLink, AddAddress, RemoveAddress,
                 AddRoute, RemoveRoute, SetSysctl, ChangeFirewall, ChangeFirewalld, ForgetFlows,
                 AddDnsEntry, ReplaceDnsEntry, RemoveDnsEntry, ServeDns, NotifyDns, SetUpPlugin,
                 TearDownPlugin, AcquireLease, ReleaseLease>;
using Steps = std::vector<Step>;

/// Whether another program carries the step out, which may take its time: an errand, run without
/// the journal's lock.
bool is_errand(const Step& step);

/// Takes the errands out of `steps`, in their order.
Steps take_errands(Steps& steps);

/// What takes `step` back; nothing where a step needs no taking back.
std::optional<Step> inverse(const Step& step);

/// What takes all of `steps` back, last first: firewall changes as one batch, links in one
/// deletion, and nothing that goes with a link that is deleted anyway.
Steps invert(std::span<const Step> steps);

/// `steps` with all firewall changes as one batch at the front, where the likeliest refusal (a
/// port that is taken) costs least, and DNS served once, last. firewalld, which has to know the
/// addresses of bridges, is changed once, when links stand.
Steps merge(Steps steps);

/// A step as one line for people (step_text.cpp).
std::string to_string(const Step& step);

}  // namespace burrow::netstack
