// Carries out steps on the real host. The only place of netstack that changes it.
#pragma once

#include "netstack/dns_daemon.h"
#include "netstack/execute.h"
#include "netstack/handles.h"
#include "netstack/leases.h"
#include "netstack/run_plugin.h"
#include "netstack/sysctl_file.h"

namespace burrow::netstack {

/// Borrows its handles; a step in the container when there is none is done already.
class HostApplier : public Applier {
 public:
  HostApplier(Handles& handles, const DnsDaemon& dns, const PluginSettings& plugins)
      : handles_(handles), dns_(dns), plugins_(plugins) {}
  Result<void> apply(const Step& step) override;
  /// Settings of the container go in one visit to its namespace: each visit wakes two threads.
  /// Those of the host, too, are written from directories that stay open.
  Applied apply_first(std::span<const Step> steps) override;
  /// What the plugins that were set up answered.
  [[nodiscard]] const PluginAnswers& plugin_answers() const { return plugin_answers_; }
  /// What DHCP servers granted. Leases that were not kept end with this value.
  [[nodiscard]] const GrantedLeases& granted_leases() const { return leases_.granted(); }
  Result<void> keep_leases() { return leases_.keep(); }

 private:
  Result<void> act(const CreateBridge& step);
  Result<void> act(const SetVlanFiltering& step);
  Result<void> act(const LeadBridgedPackets& step);
  Result<void> act(const KeepSettings& step);
  Result<void> act(const ForgetSettings& step) { return remove_sysctl_file(step.link); }
  Result<void> act(const JoinZone& step);
  Result<void> act(const LeaveZone& step);
  Result<void> act(const PlaceAccepts& step);
  Result<void> act(const RemoveAccepts& step);
  Result<void> act(const CreateVeth& step);
  Result<void> act(const CreateLanLink& step);
  Result<void> act(const DeleteLinkGroups& step);
  Result<void> act(const EnableHairpin& step);
  Result<void> act(const BringUp& step);
  Result<void> act(const TakeDown& step);
  Result<void> act(const StartLoopback& step);
  Result<void> act(const StopLoopback& step);
  Result<void> act(const AnswerLoopback& step);
  Result<void> act(const DeleteLinks& step);
  Result<void> act(const DeleteContainerLink& step);
  Result<void> act(const AddAddress& step);
  Result<void> act(const RemoveAddress& step);
  Result<void> act(const AddRoute& step);
  Result<void> act(const RemoveRoute& step);
  Result<void> act(const SetSysctl& step);
  Result<void> act(const ChangeFirewall& step);
  Result<void> act(const ChangeFirewalld& step);
  Result<void> act(const ForgetFlows& step);
  Result<void> act(const AddDnsEntry& step);
  Result<void> act(const ReplaceDnsEntry& step);
  Result<void> act(const RemoveDnsEntry& step) { return dns_.remove(step); }
  Result<void> act(const ServeDns& step);
  Result<void> act(const NotifyDns&) { return dns_.notify(); }

  Result<void> act(const SetUpPlugin& step);
  Result<void> act(const TearDownPlugin& step);
  Result<void> act(const AcquireLease& step) { return leases_.acquire(step); }
  Result<void> act(const ReleaseLease& step);

  void note_lists(std::string_view header, std::string_view entry);

  /// The socket of `place`; null for a container that is gone.
  host::RouteSocket* route_at(Place place);

  Handles& handles_;
  const DnsDaemon& dns_;
  const PluginSettings& plugins_;
  PluginAnswers plugin_answers_;
  Leases leases_;
  NamesInLists names_in_lists_ = NamesInLists::none;  ///< in lines that were written
};

}  // namespace burrow::netstack
