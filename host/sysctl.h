// Kernel settings under /proc/sys, of the calling thread's network namespace.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::host {

/// The value of `key`, written with slashes as in "net/ipv4/ip_forward", without the line end.
/// Errors: not_found, system.
Result<std::string> read_sysctl(std::string_view key);

/// Sets `key`; a read-only /proc/sys that has the right value is fine.
Result<void> write_sysctl(std::string_view key, std::string_view value);

/// Several settings of one namespace, from one thread in it. Keeps the last directory open: the
/// walk to a directory under /proc/sys/net takes the kernel longer the more namespaces there are
/// (all have the same names in one hash chain: proc_sys_compare in fs/proc/proc_sysctl.c), the step
/// from there to a setting does not.
class Sysctls {
 public:
  /// As write_sysctl.
  Result<void> write(std::string_view key, std::string_view value);

 private:
  std::string directory_;  // that is open
  Fd fd_;
};

}  // namespace burrow::host
