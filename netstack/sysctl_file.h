// The files by which systemd-sysctl knows the settings of our bridges.
#pragma once

#include <filesystem>
#include <string>

#include "netstack/step.h"

namespace burrow::netstack {

/// Whether systemd runs the host, and so udev may set settings again that we have set.
bool has_systemd();

/// The text of the file, in sysctl.d(5)'s form with slashes.
std::string sysctl_file_text(const KeepSettings& step);

/// Writes the file of a link. Errors: system, permission.
Result<void> write_sysctl_file(const KeepSettings& step);
/// Removes it; gone is fine. Errors: system, permission.
Result<void> remove_sysctl_file(const LinkName& link);

}  // namespace burrow::netstack
