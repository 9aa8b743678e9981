#include "engine/netstack_document.h"

#include <algorithm>

#include "engine/container_json.h"

namespace burrow::engine {
namespace {

Json texts(const std::vector<IpAddress>& addresses) {
  Json list = Json::array();
  for (const auto& address : addresses) list.push_back(address.to_string());
  return list;
}

Json render(const Attachment& attachment, const Container& container) {
  Json options{{"name", attachment.network.str()},
               {"static_ips", texts(attachment.leases)},
               {"interface_name", attachment.interface.str()}};
  if (attachment.requested_mac) options["static_mac"] = attachment.requested_mac->to_string();
  auto aliases = attachment.aliases;
  aliases.push_back(short_id(container.id));
  if (container.spec.has_own_hostname) aliases.push_back(container.spec.hostname);
  options["aliases"] = std::move(aliases);
  if (!attachment.limits.empty()) options["options"] = attachment.limits;
  return options;
}

}  // namespace

std::string render_netstack_document(const NetstackSubject& subject) {
  const auto& container = subject.container;
  Json document{{"container_id", container.id.str()},
                {"container_name", container.name.str()},
                {"container_hostname", container.spec.hostname},
                {"port_mappings", encode(subject.ports)},
                {"networks", Json::array()},
                {"network_info", Json::object()}};
  if (!container.spec.dns_servers.empty()) {
    document["dns_servers"] = texts(container.spec.dns_servers);
  }
  for (const auto& network : subject.networks) {
    const auto attachment =
        std::ranges::find(container.attachments, network.name, &Attachment::network);
    if (attachment == container.attachments.end()) continue;
    document["networks"].push_back(render(*attachment, container));
    document["network_info"][network.name.str()] = netstack::encode(network);
  }
  return document.dump();
}

}  // namespace burrow::engine
