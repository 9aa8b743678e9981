// What will be left of a snapshot when something has been taken away: how a dry run looks past the
// recovery and the replacement that a command begins with. Pure.
#pragma once

#include <string>
#include <vector>

#include "netstack/plan.h"

namespace burrow::netstack {

/// What will have gone by the time that is foreseen.
struct Departure {
  Steps steps = {};                      ///< of which those count that take things away
  std::vector<LinkName> links = {};      ///< of the container: they go with their peers
  std::vector<host::Route> routes = {};  ///< of the container: they go with their links

  void add(const Steps& more);
  /// What `made` made inside the container goes.
  void add_inside(const Steps& made);
};

/// `snapshot` as it will be after `gone`. `request` is what it was observed for, without
/// attachments where it was observed by names alone.
Snapshot foresee(Snapshot snapshot, const SetupRequest& request, const Departure& gone);

/// What goes, in the container's namespace `netns` and on the host, by recovery from `pending`.
Departure recovery_from(const PendingRecord& pending, const std::string& netns);

/// What a set-up does with attachments of its container that are on record already.
struct Replacement {
  std::vector<NetworkName> ended;         ///< networks whose attachments are ended first
  std::vector<AttachmentRecord> records;  ///< of these attachments
  Snapshot without;                       ///< the snapshot as if those had never been
};

/// Ended are those to networks of the request, and those that name another namespace: the container
/// was set up by a command whose answer got lost, or died without a teardown and is back.
Replacement plan_replacement(const SetupRequest& request, const Snapshot& snapshot,
                             const std::string& netns);

}  // namespace burrow::netstack
