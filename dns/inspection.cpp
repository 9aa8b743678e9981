#include "dns/inspection.h"

#include <unistd.h>

#include <algorithm>

#include "core/json.h"
#include "dns/message_text.h"
#include "dns/name.h"
#include "host/file.h"

namespace burrow::dns {
namespace {

std::string line_of(const Json& json) {
  // Names from files may hold bytes that are no UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json texts(std::span<const IpAddress> addresses) {
  Json list = Json::array();
  for (const auto& address : addresses) list.push_back(address.to_string());
  return list;
}

Json network_document(const NetworkZone& zone) {
  Json json{{"name", zone.name()},
            {"internal", zone.reach() == Reach::internal},
            {"listen", texts(zone.listen_addresses())},
            {"servers", texts(zone.dns_servers())},
            {"containers", zone.container_count()},
            {"names", zone.name_count()}};
  const auto& settings = zone.settings();
  if (settings.domain) json["domain"] = settings.domain->to_string();
  if (settings.rotation == Rotation::fixed) json["order"] = "fixed";
  if (settings.ttl != 0) json["ttl"] = settings.ttl;
  return json;
}

Json upstreams_document(const Inspected& inspected) {
  Json list = Json::array();
  const auto now = Clock::now();
  for (const auto& [upstream, record] : inspected.report.upstreams) {
    Json json{{"address", upstream.address.to_string()}};
    if (record.round_trip) {
      json["round_trip_us"] =
          std::chrono::duration_cast<std::chrono::microseconds>(*record.round_trip).count();
    }
    json["silent"] = record.silent_until && *record.silent_until > now;
    list.push_back(std::move(json));
  }
  return list;
}

Json name_document(std::string_view labels, const Name& name) {
  Json json{{"name", labels.empty() ? "@" : name_text(labels)}, {"addresses", Json::array()}};
  for (const auto& each : name.addresses) {
    if (!each.is_repeated) json["addresses"].push_back(each.address.to_string());
  }
  for (const auto& each : name.records) {
    const auto& record = each.record;
    auto text = fmt::format("{} {}", record.ttl, type_text(static_cast<uint16_t>(record.type)));
    if (record.target) {
      for (size_t i = 0; i + 1 < record.bytes.size(); i += 2) {
        const auto* at = reinterpret_cast<const uint8_t*>(&record.bytes[i]);
        text += fmt::format(" {}", read_u16(at));
      }
      const bool is_absolute = record.target->base == RecordTarget::Base::root;
      const auto& target = record.target->name;
      text +=
          ' ' + (target == DomainName{} ? std::string{is_absolute ? "" : "@"} : target.to_string());
      if (is_absolute) text += '.';
    }
    json["records"].push_back(std::move(text));
  }
  return json;
}

Json names_of(const NetworkZone& zone) {
  std::vector<std::pair<std::string, Json>> names;
  zone.for_each_name([&](std::string_view labels, const Name& name) {
    names.emplace_back(name_text(labels), name_document(labels, name));
  });
  std::ranges::sort(names, {}, [](const auto& each) { return each.first; });
  Json list = Json::array();
  for (auto& each : names) list.push_back(std::move(each.second));
  return {{"name", zone.name()}, {"names", std::move(list)}};
}

// Memory in use, in bytes; nothing when the kernel does not tell.
std::optional<uint64_t> resident_bytes() {
  const auto text = host::read_file("/proc/self/statm", 256);
  if (!text) return {};
  const auto space = text->find(' ');
  if (space == text->npos) return {};
  return std::strtoull(text->c_str() + space + 1, nullptr, 10) *
         static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// One metric with its lines.
class Metrics {
 public:
  void begin(std::string_view name, std::string_view kind, std::string_view help) {
    name_ = name;
    text_ +=
        fmt::format("# HELP burrow_dns_{0} {2}\n# TYPE burrow_dns_{0} {1}\n", name, kind, help);
  }
  void add(std::string_view labels, double value) {
    text_ += fmt::format("burrow_dns_{}{} {}\n", name_, labels, value);
  }
  void one(std::string_view name, std::string_view kind, std::string_view help, double value) {
    begin(name, kind, help);
    add("", value);
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

double as_double(uint64_t value) { return static_cast<double>(value); }

}  // namespace

std::string status_document(const Inspected& inspected) {
  const auto uptime = Clock::now() - inspected.started;
  const auto& counts = inspected.report.counts;
  const auto& forwarding = inspected.report.forwarding;
  const auto& errands = inspected.report.errands;
  Json json{{"pid", ::getpid()},
            {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(uptime).count()},
            {"generation", inspected.generation},
            {"port", inspected.port},
            {"threads", inspected.threads},
            {"search_domain", inspected.zones.settings().search_domain.to_string()},
            {"networks", Json::array()}};
  for (const auto& network : inspected.zones.networks()) {
    json["networks"].push_back(network_document(*network));
  }
  json["listeners"] = inspected.listeners;
  json["tcp_connections"] = inspected.report.connections;
  json["complaints"] = inspected.complaints;
  json["queries"] = {{"udp", counts.udp},
                     {"tcp", counts.tcp},
                     {"forwarded", counts.forwarded},
                     {"dropped", counts.dropped}};
  json["answers"] = Json::object();
  for (uint16_t rcode = 0; rcode < counts.answered.size(); ++rcode) {
    if (counts.answered[rcode] > 0) json["answers"][rcode_text(rcode)] = counts.answered[rcode];
  }
  json["forwarding"] = {{"outstanding", inspected.report.outstanding},
                        {"coalesced", forwarding.coalesced},
                        {"refused", forwarding.refused},
                        {"failed", forwarding.failed},
                        {"sent", errands.sent},
                        {"over_tcp", errands.over_tcp},
                        {"forged", errands.forged}};
  json["cache"] = {{"entries", inspected.report.cache_entries},
                   {"bytes", inspected.report.cache_bytes},
                   {"hits", forwarding.cache_hits},
                   {"stale", forwarding.stale},
                   {"refreshed", forwarding.refreshed}};
  json["host_servers"] = Json::array();
  for (const auto& server : inspected.host_servers) {
    json["host_servers"].push_back(server.address.to_string());
  }
  json["upstreams"] = upstreams_document(inspected);
  return line_of(json);
}

std::string names_document(const Zones& zones, std::string_view network) {
  Json json{{"networks", Json::array()}};
  for (const auto& zone : zones.networks()) {
    if (network.empty() || zone->name() == network) json["networks"].push_back(names_of(*zone));
  }
  if (!network.empty() && json["networks"].empty()) {
    return line_of({{"error", fmt::format("no network \"{}\"", network.substr(0, 128))}});
  }
  return line_of(json);
}

std::string metrics_text(const Inspected& inspected) {
  const auto& counts = inspected.report.counts;
  const auto& forwarding = inspected.report.forwarding;
  const auto& errands = inspected.report.errands;
  Metrics metrics;
  metrics.begin("queries_total", "counter", "Messages received.");
  metrics.add("{transport=\"udp\"}", as_double(counts.udp));
  metrics.add("{transport=\"tcp\"}", as_double(counts.tcp));
  metrics.begin("answers_total", "counter", "Queries answered from names of containers.");
  for (uint16_t rcode = 0; rcode <= static_cast<uint16_t>(Rcode::refused); ++rcode) {
    metrics.add(fmt::format("{{rcode=\"{}\"}}", rcode_text(rcode)),
                as_double(counts.answered[rcode]));
  }
  metrics.one("forwarded_total", "counter", "Queries for upstream servers.",
              as_double(counts.forwarded));
  metrics.one("dropped_total", "counter", "Messages that must not be answered.",
              as_double(counts.dropped));
  metrics.one("forward_refused_total", "counter", "Queries beyond a limit of forwarding.",
              as_double(forwarding.refused));
  metrics.one("forward_failed_total", "counter", "Queries that no upstream server answered.",
              as_double(forwarding.failed));
  metrics.one("forward_coalesced_total", "counter", "Queries that joined one that was out.",
              as_double(forwarding.coalesced));
  metrics.one("upstream_queries_total", "counter", "Queries sent to upstream servers.",
              as_double(errands.sent));
  metrics.one("upstream_forgeries_total", "counter", "Times that answers looked forged.",
              as_double(errands.forged));
  metrics.one("cache_hits_total", "counter", "Queries answered from what is kept.",
              as_double(forwarding.cache_hits));
  metrics.one("cache_stale_total", "counter", "Queries answered with what was past its time.",
              as_double(forwarding.stale));
  metrics.one("cache_entries", "gauge", "Answers of upstream servers that are kept.",
              as_double(inspected.report.cache_entries));
  metrics.one("cache_bytes", "gauge", "Memory that they take.",
              as_double(inspected.report.cache_bytes));
  metrics.one("forward_outstanding", "gauge", "Queries that wait for upstream servers.",
              as_double(inspected.report.outstanding));
  metrics.begin("upstream_round_trip_seconds", "gauge", "Smoothed round trip to an upstream.");
  for (const auto& [upstream, record] : inspected.report.upstreams) {
    if (!record.round_trip) continue;
    metrics.add(fmt::format("{{server=\"{}\"}}", upstream.address.to_string()),
                std::chrono::duration<double>(*record.round_trip).count());
  }
  metrics.begin("names", "gauge", "Names of a network.");
  for (const auto& network : inspected.zones.networks()) {
    // Names of networks that Podman allows need no escapes; others lose what would.
    auto name = network->name();
    std::erase_if(name, [](char c) { return c == '"' || c == '\\' || c == '\n'; });
    metrics.add(fmt::format("{{network=\"{}\"}}", name), as_double(network->name_count()));
  }
  metrics.one("networks", "gauge", "Networks served.",
              as_double(inspected.zones.networks().size()));
  metrics.one("listeners", "gauge", "Addresses listened on.", as_double(inspected.listeners));
  metrics.one("tcp_connections", "gauge", "Connections open.",
              as_double(inspected.report.connections));
  metrics.one("generation", "gauge", "Versions of the names so far.",
              as_double(inspected.generation));
  metrics.one("complaints", "gauge", "Files not read and addresses not bound.",
              as_double(inspected.complaints.size()));
  if (const auto bytes = resident_bytes()) {
    metrics.one("resident_bytes", "gauge", "Memory in use.", as_double(*bytes));
  }
  return std::move(metrics).text();
}

}  // namespace burrow::dns
