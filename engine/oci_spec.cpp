#include "engine/oci_spec.h"

#include <algorithm>
#include <array>

#include "core/json.h"

namespace burrow::engine {
namespace {

constexpr std::array kCapabilities{
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER",           "CAP_FSETID",
    "CAP_KILL",    "CAP_SETGID",       "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",
    "CAP_SETPCAP", "CAP_SETUID",       "CAP_SYS_CHROOT",       "CAP_NET_RAW"};

constexpr std::array kMaskedPaths{
    "/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
    "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
    "/proc/timer_list", "/proc/timer_stats",   "/sys/dev/block",    "/sys/devices/virtual/powercap",
    "/sys/firmware",    "/sys/fs/selinux"};

constexpr std::array kReadOnlyPaths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                    "/proc/sysrq-trigger"};

constexpr auto kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Json environment_of(const Container& container) {
  Json environment = Json::array();
  const auto put_default = [&](std::string_view name, const std::string& entry) {
    const bool is_set = std::ranges::any_of(container.spec.environment, [&](const auto& given) {
      return given.starts_with(fmt::format("{}=", name));
    });
    if (!is_set) environment.push_back(entry);
  };
  put_default("PATH", kPath);
  put_default("HOSTNAME", "HOSTNAME=" + container.spec.hostname);
  put_default("HOME", "HOME=/root");
  put_default("container", "container=burrow");
  for (const auto& entry : container.spec.environment) environment.push_back(entry);
  return environment;
}

Json render_process(const Container& container) {
  Json capabilities = Json::object();
  for (const auto* set : {"bounding", "effective", "permitted"}) capabilities[set] = kCapabilities;
  return {{"terminal", false},
          {"user", {{"uid", 0}, {"gid", 0}}},
          {"args", container.spec.command},
          {"env", environment_of(container)},
          {"cwd", "/"},
          {"capabilities", std::move(capabilities)},
          {"noNewPrivileges", true},
          {"oomScoreAdj", 0}};
}

Json mount(const char* destination, const char* type, std::string_view source,
           std::initializer_list<const char*> options) {
  Json words = Json::array();
  for (const auto* option : options) words.push_back(option);
  return {{"destination", destination},
          {"type", type},
          {"source", source},
          {"options", std::move(words)}};
}

Json render_mounts(const BundlePaths& paths, RootAccess access) {
  Json mounts = Json::array();
  mounts.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  mounts.push_back(mount("/dev/pts", "devpts", "devpts",
                         {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}));
  mounts.push_back(
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}));
  mounts.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}));
  mounts.push_back(mount("/run", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=755"}));
  if (access == RootAccess::read_only) {
    // What programs expect to be able to write to.
    mounts.push_back(mount("/tmp", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=1777"}));
    mounts.push_back(mount("/var/tmp", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=1777"}));
  }
  for (const auto* name : {"hosts", "resolv.conf", "hostname"}) {
    const auto destination = fmt::format("/etc/{}", name);
    mounts.push_back(mount(destination.c_str(), "bind", (paths.files / name).native(),
                           {"bind", "rprivate", "nosuid", "nodev", "noexec"}));
  }
  return mounts;
}

Json render_namespaces(const BundlePaths& paths) {
  Json namespaces = Json::array();
  for (const auto* type : {"pid", "mount", "uts", "ipc"}) namespaces.push_back({{"type", type}});
  namespaces.push_back({{"type", "network"}, {"path", paths.netns.native()}});
  return namespaces;
}

}  // namespace

std::string render_oci_spec(const Container& container, const BundlePaths& paths,
                            RootAccess access) {
  // Any user of the container may ping, as in Podman.
  const Json sysctl{{"net.ipv4.ping_group_range", "0 0"}};
  const Json document{
      {"ociVersion", "1.0.2"},
      {"process", render_process(container)},
      {"root", {{"path", paths.rootfs.native()}, {"readonly", access == RootAccess::read_only}}},
      {"hostname", container.spec.hostname},
      {"mounts", render_mounts(paths, access)},
      {"linux",
       {{"namespaces", render_namespaces(paths)},
        {"sysctl", sysctl},
        {"cgroupsPath", "/burrow/" + container.id.str()},
        {"maskedPaths", kMaskedPaths},
        {"readonlyPaths", kReadOnlyPaths}}}};
  return document.dump(2) + "\n";
}

}  // namespace burrow::engine
