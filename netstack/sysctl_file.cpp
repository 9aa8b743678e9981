#include "netstack/sysctl_file.h"

#include <unistd.h>

#include <cerrno>

#include "host/file.h"

namespace burrow::netstack {
namespace {

const char* const kDirectory = "/run/sysctl.d";

std::filesystem::path path_of(const LinkName& link) {
  return fmt::format("{}/10-burrow-{}.conf", kDirectory, link);
}

}  // namespace

bool has_systemd() {
  // As sd_booted(3) finds out.
  return ::access("/run/systemd/system", F_OK) == 0;
}

std::string sysctl_file_text(const KeepSettings& step) {
  std::string text =
      fmt::format("# Written by burrow-netstack; goes with the bridge {}.\n", step.link);
  for (const auto& setting : step.settings) {
    text += fmt::format("{} = {}\n", setting.key, setting.value);
  }
  return text;
}

Result<void> write_sysctl_file(const KeepSettings& step) {
  TRY_VOID(host::make_directories(kDirectory));
  return host::write_file(path_of(step.link), sysctl_file_text(step));
}

Result<void> remove_sysctl_file(const LinkName& link) {
  auto removed = host::remove_file(path_of(link));
  if (!removed && removed.error().os_error == ENOTDIR) return {};  // it could not be written either
  return removed;
}

}  // namespace burrow::netstack
