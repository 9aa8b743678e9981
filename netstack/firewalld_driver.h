// firewalld as firewall driver: what it has, and changes of it. What is to be there is decided in
// plan_firewalld and firewall/firewalld_entries.
#pragma once

#include <filesystem>
#include <vector>

#include "netstack/firewalld_access.h"
#include "netstack/journal.h"
#include "netstack/request.h"
#include "netstack/snapshot.h"
#include "netstack/step.h"

namespace burrow::netstack {

/// What a set-up has to know of firewalld and of what others have on record. Errors: unsupported
/// where firewalld does not run; timeout, permission, changed when it ends meanwhile, system.
Result<FirewalldDriverSnapshot> observe_firewalld_driver(const SetupRequest& request,
                                                         FirewalldAccess& access,
                                                         const Journal& journal);

/// Makes a change, whole or not at all. What firewalld has lost by not running any more needs not
/// be taken out. Errors: likewise.
Result<void> change_firewalld(const ChangeFirewalld& step, FirewalldAccess& access);

/// Puts back what these records have in firewalld; one record at a time where all at once is
/// refused. Nothing where none has anything there, or firewalld does not run: it is put back when
/// it does. Errors: likewise.
Result<void> restore_firewalld(const std::vector<NetworkRecord>& networks,
                               const std::vector<AttachmentRecord>& attachments);

/// The same for a run directory, by its journal. No other command is at work there meanwhile.
Result<void> restore_firewalld(const std::filesystem::path& run_directory);

/// What the journals of these run directories have on record there; nothing is asked of firewalld.
Result<std::vector<firewall::Element>> elements_in_firewalld(
    const std::vector<std::filesystem::path>& run_directories);

}  // namespace burrow::netstack
