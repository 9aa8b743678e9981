// firewalld as it runs: its zones and what they hold, over D-Bus. Only runtime configuration is
// changed, never what it has on disk; what belongs where is decided elsewhere.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/names.h"
#include "firewall/bus.h"
#include "firewall/firewalld_zone.h"

namespace burrow::firewall {

/// firewalld, reached once and for one command: all calls share one connection, and together they
/// wait no longer than the patience that it was found with.
/// Errors of all: timeout, permission, changed when firewalld ends meanwhile, system.
class Firewalld {
 public:
  /// firewalld, if it runs; nothing without a bus, or with a bus and no firewalld on it. Does not
  /// start it.
  static Result<std::optional<Firewalld>> find(std::chrono::milliseconds patience,
                                               const char* bus = kSystemBus);

  /// Names of the zones that firewalld has read.
  Result<std::vector<std::string>> zones();
  /// The zone that a link was put into; nothing for one in no zone, which counts to the default
  /// one.
  Result<std::optional<std::string>> zone_of(const LinkName& link);
  /// Puts a link into a zone, out of any other; the link need not exist. Errors: not_found for a
  /// zone that is not there, invalid_input for a name that means several links.
  Result<void> put_into(const std::string& zone, const LinkName& link);
  /// Takes a link out of a zone; not in it is fine.
  Result<void> take_out_of(const std::string& zone, const LinkName& link);

  /// Names of the policies and of the ipsets that firewalld has read.
  Result<std::vector<std::string>> policies();
  Result<std::vector<std::string>> ipsets();
  /// What is in an ipset, as firewalld writes it. Errors: not_found for one that is not there.
  Result<std::vector<std::string>> entries_of(const std::string& ipset);
  /// In it already is fine. Errors: already_exists for one that overlaps another, not_found.
  Result<void> put_entry(const std::string& ipset, const std::string& entry);
  /// Not in it is fine, and so is no such ipset.
  Result<void> take_entry(const std::string& ipset, const std::string& entry);
  /// The rich rules of a policy, as firewalld writes them. Errors: not_found.
  Result<std::vector<std::string>> rules_of(const std::string& policy);
  /// Gives a policy these rich rules and no others; firewalld changes what differs, one after the
  /// other, and may stop in the middle. Errors: not_found, invalid_input for a rule it refuses.
  Result<void> set_rules(const std::string& policy, std::vector<std::string> rules);

  /// Has all calls from here on wait no longer than this together.
  void be_patient(std::chrono::milliseconds patience) { patience_ = patience; }

  /// Versions before 2.3 know no other than `anybodys`.
  Result<ForwardPorts> forward_ports_mode();
  /// The ports that zones with links or sources forward, by their own lists; those of rich rules
  /// and policies are not among them.
  Result<std::vector<ForwardPort>> forward_ports();

 private:
  Firewalld(Bus bus, std::string owner, Deadline::duration patience)
      : bus_(std::move(bus)), owner_(std::move(owner)), patience_(patience) {}
  Result<BusReply> call(const char* interface, const char* method,
                        std::vector<std::string> arguments,
                        std::optional<BusSetting> setting = std::nullopt);
  Result<BusReply> ask(const BusCall& call);

  Bus bus_;
  std::string owner_;            // unique name: a firewalld that starts meanwhile is another
  Deadline::duration patience_;  // what is left of it
};

/// What happens to firewalld while it is watched.
enum class FirewalldEvent {
  started,   ///< has come, or come back: what it had at runtime is gone
  reloaded,  ///< has read its configuration anew: likewise
  stopped,   ///< has left the bus, and its rules with it unless it was told to leave them
};

/// Watches firewalld, whether it runs or not, by the bus's own signals: costs nothing while nothing
/// happens.
class FirewalldWatch {
 public:
  /// Errors: not_found without a bus, timeout, permission, system.
  static Result<FirewalldWatch> start(std::chrono::milliseconds patience,
                                      const char* bus = kSystemBus);
  /// What has happened since; nothing when nothing has. Never waits. Errors: changed when the bus
  /// has gone, and with it this watch.
  Result<std::optional<FirewalldEvent>> next();
  /// For poll: readable when next() may have something. Read until it has nothing.
  [[nodiscard]] int descriptor() const { return bus_.descriptor(); }

 private:
  explicit FirewalldWatch(Bus bus) : bus_(std::move(bus)) {}
  Bus bus_;
};

}  // namespace burrow::firewall
