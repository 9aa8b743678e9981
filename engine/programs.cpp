#include "engine/programs.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burrow::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::array kLibexec{"/usr/local/libexec/burrow", "/usr/libexec/burrow",
                              "/usr/local/lib/burrow", "/usr/lib/burrow"};
constexpr std::array kSystemPath{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                 "/usr/bin",        "/sbin",          "/bin"};

bool is_program(const fs::path& path) { return ::access(path.c_str(), X_OK) == 0; }

std::optional<fs::path> from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path{value};
}

std::vector<fs::path> own_directories() {
  std::vector<fs::path> directories;
  if (const auto own = own_program()) directories.push_back(own->parent_path());
  directories.insert(directories.end(), kLibexec.begin(), kLibexec.end());
  return directories;
}

std::optional<fs::path> find_in(const std::vector<fs::path>& directories, std::string_view name) {
  for (const auto& directory : directories) {
    if (auto path = directory / name; is_program(path)) return path;
  }
  return std::nullopt;
}

// PATH, then the directories that a bare environment may leave out.
std::vector<fs::path> search_path() {
  std::vector<fs::path> directories;
  const char* value = std::getenv("PATH");
  std::string_view rest = value == nullptr ? "" : value;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    if (end > 0) directories.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  directories.insert(directories.end(), kSystemPath.begin(), kSystemPath.end());
  return directories;
}

RuntimeKind kind_of(const fs::path& path) {
  return path.filename().native().starts_with("runc") ? RuntimeKind::runc : RuntimeKind::crun;
}

}  // namespace

Result<fs::path> own_program() {
  std::error_code error;
  auto path = fs::read_symlink("/proc/self/exe", error);
  if (error) return system_failure(error.value(), "find our own program");
  return path;
}

Result<fs::path> find_netstack() {
  if (auto path = from_environment("BURROW_NETSTACK")) return *std::move(path);
  if (auto path = find_in(own_directories(), "burrow-netstack")) return *std::move(path);
  return fail(Errc::not_found,
              "burrow-netstack not found beside this program or in {}: set BURROW_NETSTACK",
              fmt::join(kLibexec, ", "));
}

fs::path find_dns() {
  if (auto path = from_environment("BURROW_DNS")) return *std::move(path);
  const auto directories = own_directories();
  return find_in(directories, "burrow-dns").value_or(directories.front() / "burrow-dns");
}

Result<RuntimeProgram> find_runtime() {
  if (const auto path = from_environment("BURROW_RUNTIME")) {
    return RuntimeProgram{kind_of(*path), *path};
  }
  const auto directories = search_path();
  for (const auto* name : {"crun", "runc"}) {
    if (auto path = find_in(directories, name)) return RuntimeProgram{kind_of(*path), *path};
  }
  return fail(Errc::not_found, "no OCI runtime found: install crun or runc (apt-get install crun)");
}

}  // namespace burrow::engine
