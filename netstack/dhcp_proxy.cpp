#include "netstack/dhcp_proxy.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace burrow::netstack {

Failure become_dhcp_proxy(const std::vector<std::string>& arguments, CalledAs called_as) {
  constexpr const char* kProgram = "burrow-dhcp";
  // By its name it knows whose directory and socket it stands in for.
  std::string name = called_as == CalledAs::netavark ? "netavark-dhcp-proxy" : kProgram;
  std::vector<std::string> words{std::move(name)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::error_code unknown;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const auto sibling = own.parent_path() / kProgram;
  if (!unknown) ::execv(sibling.c_str(), pointers.data());
  ::execvp(kProgram, pointers.data());
  return system_failure(errno, fmt::format("run \"{}\" or {} in PATH", sibling.native(), kProgram));
}

}  // namespace burrow::netstack
