#include "engine/describe.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "engine/table.h"

namespace burrow::engine {
namespace {

std::string host_part(const PortMapping& port) {
  if (!port.host_address) return "0.0.0.0";
  const auto text = port.host_address->to_string();
  return port.host_address->is_v6() ? fmt::format("[{}]", text) : text;
}

std::string range(uint16_t first, uint16_t count) {
  return count == 1 ? fmt::format("{}", first) : fmt::format("{}-{}", first, first + count - 1);
}

std::string duration(Timestamp seconds) {
  struct Unit {
    Timestamp length;
    const char* name;
  };
  constexpr std::array kUnits{Unit{86400, "day"}, Unit{3600, "hour"}, Unit{60, "minute"}};
  const auto in_words = [](Timestamp count, const char* name) {
    return fmt::format("{} {}{}", count, name, count == 1 ? "" : "s");
  };
  for (const auto& [length, name] : kUnits) {
    if (seconds >= length) return in_words(seconds / length, name);
  }
  return in_words(std::max<Timestamp>(seconds, 0), "second");
}

std::string rfc3339(std::optional<Timestamp> time) {
  if (!time) return "0001-01-01T00:00:00Z";
  const std::time_t seconds = *time;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::vector<std::string> address_texts(const Container& container) {
  std::vector<std::string> texts;
  for (const auto& attachment : container.attachments) {
    for (const auto& lease : attachment.leases) texts.push_back(lease.to_string());
  }
  return texts;
}

std::vector<std::string> network_names(const Container& container) {
  std::vector<std::string> names;
  for (const auto& attachment : container.attachments) names.push_back(attachment.network.str());
  return names;
}

std::string command_text(const Container& container) {
  constexpr size_t kLongest = 32;
  auto text = fmt::format("{}", fmt::join(container.spec.command, " "));
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text.size() <= kLongest ? text : text.substr(0, kLongest - 3) + "...";
}

Json inspect_ports(const Container& container) {
  Json ports = Json::object();
  for (const auto& port : container.ports) {
    for (int offset = 0; offset < port.count; ++offset) {
      const auto key = fmt::format("{}/{}", port.container_port + offset, to_string(port.protocol));
      ports[key].push_back(
          {{"HostIp", port.host_address ? port.host_address->to_string() : "0.0.0.0"},
           {"HostPort", fmt::format("{}", port.host_port + offset)}});
    }
  }
  return ports;
}

void put_addresses(Json& json, const netstack::Status& status) {
  for (const auto& [address, gateway] : status.addresses) {
    const bool is_v4 = address.address.is_v4();
    auto& first = json[is_v4 ? "IPAddress" : "GlobalIPv6Address"];
    if (!first.get_ref<std::string&>().empty()) {
      json[is_v4 ? "SecondaryIPAddresses" : "SecondaryIPv6Addresses"].push_back(
          {{"Addr", address.address.to_string()}, {"PrefixLength", address.prefix_length}});
      continue;
    }
    first = address.address.to_string();
    json[is_v4 ? "IPPrefixLen" : "GlobalIPv6PrefixLen"] = address.prefix_length;
    if (gateway) json[is_v4 ? "Gateway" : "IPv6Gateway"] = gateway->to_string();
  }
}

Json inspect_attachment(const Attachment& attachment, const Container& container,
                        const std::vector<netstack::Network>& networks) {
  auto aliases = attachment.aliases;
  aliases.push_back(short_id(container.id));
  if (container.spec.has_own_hostname) aliases.push_back(container.spec.hostname);
  const auto network = std::ranges::find(networks, attachment.network, &netstack::Network::name);
  Json json{{"EndpointID", ""},
            {"Gateway", ""},
            {"IPAddress", ""},
            {"IPPrefixLen", 0},
            {"IPv6Gateway", ""},
            {"GlobalIPv6Address", ""},
            {"GlobalIPv6PrefixLen", 0},
            {"MacAddress", ""},
            {"NetworkID", network == networks.end() ? "" : network->id},
            {"InterfaceName", attachment.interface.str()},
            {"DriverOpts", attachment.limits.empty() ? Json{} : Json(attachment.limits)},
            {"IPAMConfig", nullptr},
            {"Links", nullptr},
            {"Aliases", aliases}};
  if (attachment.status.empty()) return json;
  if (const auto status = decode_status(attachment.network, attachment.status)) {
    json["MacAddress"] = status->mac.to_string();
    put_addresses(json, *status);
  }
  return json;
}

}  // namespace

std::string describe_state(const Container& container, Timestamp now) {
  switch (container.state) {
    case ContainerState::created:
      return "Created";
    case ContainerState::running:
      return fmt::format("Up {}", duration(now - container.started.value_or(now)));
    case ContainerState::exited: {
      const auto code =
          container.exit_code ? fmt::format("{}", *container.exit_code) : std::string{"unknown"};
      if (!container.finished) return fmt::format("Exited ({})", code);
      return fmt::format("Exited ({}) {} ago", code, duration(now - *container.finished));
    }
  }
  return "?";
}

std::string describe_ports(const std::vector<PortMapping>& ports) {
  std::vector<std::string> texts;
  for (const auto& port : ports) {
    texts.push_back(fmt::format("{}:{}->{}/{}", host_part(port), range(port.host_port, port.count),
                                range(port.container_port, port.count), to_string(port.protocol)));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::vector<std::string> list_ports(const std::vector<PortMapping>& ports) {
  std::vector<std::string> lines;
  for (const auto& port : ports) {
    for (int offset = 0; offset < port.count; ++offset) {
      lines.push_back(fmt::format("{}/{} -> {}:{}", port.container_port + offset,
                                  to_string(port.protocol), host_part(port),
                                  port.host_port + offset));
    }
  }
  return lines;
}

std::vector<std::string> find_port(const std::vector<PortMapping>& ports, uint16_t port,
                                   Protocol protocol) {
  std::vector<std::string> texts;
  for (const auto& mapping : ports) {
    const int offset = port - mapping.container_port;
    if (mapping.protocol != protocol || offset < 0 || offset >= mapping.count) continue;
    texts.push_back(fmt::format("{}:{}", host_part(mapping), mapping.host_port + offset));
  }
  return texts;
}

std::string render_containers(const std::vector<Container>& containers, Timestamp now) {
  std::vector<Row> rows{
      {"CONTAINER ID", "NAME", "STATUS", "COMMAND", "NETWORKS", "ADDRESSES", "PORTS"}};
  for (const auto& container : containers) {
    rows.push_back({short_id(container.id), container.name.str(), describe_state(container, now),
                    command_text(container),
                    fmt::format("{}", fmt::join(network_names(container), ",")),
                    fmt::format("{}", fmt::join(address_texts(container), ",")),
                    describe_ports(container.ports)});
  }
  return render_table(rows);
}

Json summarize(const std::vector<Container>& containers, Timestamp now) {
  Json list = Json::array();
  for (const auto& container : containers) {
    Json ports = Json::array();
    for (const auto& port : container.ports) {
      ports.push_back({{"host_ip", port.host_address ? port.host_address->to_string() : ""},
                       {"container_port", port.container_port},
                       {"host_port", port.host_port},
                       {"range", port.count},
                       {"protocol", to_string(port.protocol)}});
    }
    list.push_back({{"Id", container.id.str()},
                    {"Names", Json::array({container.name.str()})},
                    {"State", to_string(container.state)},
                    {"Status", describe_state(container, now)},
                    {"Command", container.spec.command},
                    {"Networks", network_names(container)},
                    {"Addresses", address_texts(container)},
                    {"Ports", std::move(ports)},
                    {"Pid", container.process ? container.process->pid : 0},
                    {"ExitCode", container.exit_code ? Json(*container.exit_code) : Json()},
                    {"Created", container.created}});
  }
  return list;
}

Json inspect(const Container& container, const std::vector<netstack::Network>& networks,
             const Directories& directories) {
  const bool is_running = container.state == ContainerState::running;
  Json attachments = Json::object();
  for (const auto& attachment : container.attachments) {
    attachments[attachment.network.str()] = inspect_attachment(attachment, container, networks);
  }
  return {{"Id", container.id.str()},
          {"Name", container.name.str()},
          {"Created", rfc3339(container.created)},
          {"State",
           {{"Status", to_string(container.state)},
            {"Running", is_running},
            {"Pid", container.process ? container.process->pid : 0},
            {"ExitCode", container.exit_code ? Json(*container.exit_code) : Json()},
            {"StartedAt", rfc3339(container.started)},
            {"FinishedAt", rfc3339(container.finished)}}},
          {"Config",
           {{"Hostname", container.spec.hostname},
            {"Cmd", container.spec.command},
            {"Env", container.spec.environment},
            {"Rootfs", container.spec.rootfs}}},
          {"HostConfig", {{"AutoRemove", container.spec.removes_itself}}},
          {"NetworkSettings",
           {{"Ports", inspect_ports(container)},
            {"SandboxKey", is_running ? directories.netns(container.id).native() : ""},
            {"Networks", std::move(attachments)}}}};
}

}  // namespace burrow::engine
