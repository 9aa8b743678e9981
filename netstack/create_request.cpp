#include "netstack/create_request.h"

namespace burrow::netstack {
namespace {

constexpr size_t kMostUsed = 1'000'000;
constexpr size_t kMostPools = 4096;

Result<ipam::SubnetPool> decode_pool(const JsonCursor& cursor) {
  const auto base = TRY(TRY(cursor.at("base")).parsed(IpInterface::parse));
  const auto block_length = static_cast<uint8_t>(TRY(TRY(cursor.at("size")).unsigned_integer(128)));
  ipam::SubnetPool pool{.base = base.network(), .block_length = block_length};
  auto checked = ipam::check(pool);
  if (!checked) return with_context(std::move(checked).error(), cursor.path());
  return pool;
}

Result<void> decode_used(const JsonCursor& cursor, CreateRequest& request) {
  for (const auto& interface : TRY(TRY(cursor.at("interfaces")).elements(kMostUsed))) {
    request.used_interfaces.insert(TRY(interface.string()));
  }
  for (const auto& [name, id] : TRY(TRY(cursor.at("names")).members())) {
    request.used_names.emplace(name, TRY(id.string()));
  }
  // Engines also name the addresses of the host's links here, with their prefix lengths.
  for (const auto& subnet : TRY(TRY(cursor.at("subnets")).elements(kMostUsed))) {
    request.used_subnets.push_back(TRY(subnet.parsed(IpInterface::parse)).network());
  }
  return {};
}

Result<void> decode_choices(const JsonCursor& cursor, CreateRequest& request) {
  for (const auto& pool : TRY(TRY(cursor.at("subnet_pools")).elements(kMostPools))) {
    request.pools.push_back(TRY(decode_pool(pool)));
  }
  if (const auto name = TRY(cursor.find("default_interface_name"))) {
    request.default_interface = TRY(name->string());
  }
  request.when_used = TRY(TRY(cursor.at("check_used_subnets")).boolean()) ? UsedSubnets::refused
                                                                          : UsedSubnets::allowed;
  return {};
}

}  // namespace

Result<CreateRequest> decode_create_request(std::string_view text) {
  const auto document = TRY(parse_json(text));
  const JsonCursor root{document};
  const auto network = TRY(root.at("network"));
  CreateRequest request{.network = TRY(decode_network(network))};
  // In a definition that stands an empty name means none; nobody means it in a new one.
  if (const auto interface = TRY(network.find("network_interface"));
      interface && TRY(interface->string()).empty()) {
    return interface->failure("is empty: leave it out to have a name found");
  }
  TRY_VOID(decode_used(TRY(root.at("used")), request));
  TRY_VOID(decode_choices(TRY(root.at("options")), request));
  return request;
}

}  // namespace burrow::netstack
