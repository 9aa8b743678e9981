#include "engine/definitions.h"

#include <algorithm>

#include "core/log.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr size_t kIdLength = 64;
constexpr int kIndent = 5;  // as Podman writes them

Result<netstack::Network> read_definition(const fs::path& path) {
  const auto text = TRY(host::read_file(path, size_t{1} << 20U));
  const auto document = TRY(parse_json(text));
  auto network = TRY(netstack::decode_network(JsonCursor{document}));
  if (network.name.str() + std::string{kSuffix} != path.filename().native()) {
    return fail(Errc::invalid_input, "network name \"{}\" does not match the file name",
                network.name);
  }
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (network.id.size() != kIdLength || !std::ranges::all_of(network.id, is_hex)) {
    return fail(Errc::invalid_input, "id is not 64 hexadecimal digits: \"{}\"",
                network.id.substr(0, kIdLength));
  }
  return network;
}

}  // namespace

fs::path Definitions::file_of(const NetworkName& name) const {
  return directory_ / (name.str() + std::string{kSuffix});
}

Result<std::vector<netstack::Network>> Definitions::load() const {
  std::vector<netstack::Network> networks;
  for (const auto& name : TRY(host::list_directory(directory_))) {
    if (!name.ends_with(kSuffix)) continue;
    auto network = read_definition(directory_ / name);
    if (network) {
      networks.push_back(*std::move(network));
    } else {
      log::warn("burrow::engine", "skipping network definition \"{}\": {}",
                (directory_ / name).native(), network.error().message);
    }
  }
  std::ranges::sort(networks, {}, &netstack::Network::name);
  return networks;
}

Result<netstack::Network> Definitions::get(std::string_view text) const {
  std::vector<netstack::Network> matches;
  for (auto& network : TRY(load())) {
    if (network.name.str() == text) return std::move(network);
    if (!text.empty() && network.id.starts_with(text)) matches.push_back(std::move(network));
  }
  if (matches.size() > 1) {
    return fail(Errc::invalid_input, "more than one result for network ID {}", text);
  }
  if (matches.empty()) {
    return fail(Errc::not_found, "unable to find network with name or ID {}: network not found",
                text);
  }
  return std::move(matches.front());
}

Result<void> Definitions::save(const netstack::Network& network) const {
  TRY_VOID(host::make_directories(directory_));
  return host::write_file(file_of(network.name), encode(network).dump(kIndent) + "\n");
}

Result<void> Definitions::remove(const NetworkName& name) const {
  return host::remove_file(file_of(name));
}

}  // namespace burrow::engine
