#include "plugins/sdk/attachment.h"

#include <algorithm>

#include "core/json.h"

namespace burrow::plugins {

using netstack::AttachmentRequest;
using netstack::StatusAddress;

Result<Attachment> decode_attachment(std::string_view document, std::filesystem::path netns) {
  const auto call = TRY(parse_json(document));
  const JsonCursor root{call};
  const auto name = TRY(TRY(TRY(root.at("network")).at("name")).string());
  // The same as a set-up request of one network: decoded by the same rules.
  Json request;
  request["container_id"] = TRY(root.at("container_id")).value();
  request["container_name"] = TRY(root.at("container_name")).value();
  request["networks"][name] = TRY(root.at("network_options")).value();
  request["network_info"][name] = TRY(root.at("network")).value();
  if (const auto ports = TRY(root.find("port_mappings"))) request["port_mappings"] = ports->value();
  auto decoded = TRY(netstack::decode_setup_request(request.dump()));
  return Attachment{.container = std::move(decoded.container),
                    .container_name = std::move(decoded.container_name),
                    .asked = std::move(decoded.attachments.front()),
                    .ports = std::move(decoded.ports),
                    .netns = std::move(netns)};
}

Result<std::vector<StatusAddress>> addresses_of(const AttachmentRequest& asked) {
  const auto& network = asked.network;
  const auto driver = network.ipam_options.find("driver");
  const auto word = driver == network.ipam_options.end() ? "host-local" : driver->second;
  if (word == "none") return std::vector<StatusAddress>{};
  if (word != "host-local") {
    return fail(Errc::unsupported, "address driver \"{}\" is not supported",
                std::string_view{word}.substr(0, 64));
  }
  if (!asked.addresses) {
    return fail(Errc::invalid_input, "no static ips provided for network \"{}\"", network.name);
  }
  std::vector<StatusAddress> result;
  for (const auto& subnet : network.subnets) {
    for (const auto& address : *asked.addresses) {
      if (!subnet.network.contains(address)) continue;
      result.push_back({{address, subnet.network.prefix_length()}, subnet.gateway});
    }
  }
  for (const auto& address : *asked.addresses) {
    const bool has_subnet = std::ranges::any_of(
        result, [&](const StatusAddress& one) { return one.address.address == address; });
    if (!has_subnet) {
      return fail(Errc::invalid_input, "requested static ip {} not in any subnet on network \"{}\"",
                  address.to_string(), network.name);
    }
  }
  return result;
}

std::optional<std::string> option_of(const AttachmentRequest& asked, const std::string& key) {
  for (const auto* options : {&asked.options, &asked.network.options}) {
    if (const auto entry = options->find(key); entry != options->end()) return entry->second;
  }
  return std::nullopt;
}

}  // namespace burrow::plugins
