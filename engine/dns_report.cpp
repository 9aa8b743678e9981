#include "engine/dns_report.h"

#include "engine/table.h"

namespace burrow::engine {
namespace {

// A list of strings; nothing counts as an empty one.
Result<std::vector<std::string>> texts(const JsonCursor& cursor, std::string_view key) {
  std::vector<std::string> result;
  if (const auto list = TRY(cursor.find(key))) {
    for (const auto& element : TRY(list->elements())) result.push_back(TRY(element.string()));
  }
  return result;
}

Result<std::string> joined(const JsonCursor& cursor, std::string_view key) {
  return fmt::format("{}", fmt::join(TRY(texts(cursor, key)), ", "));
}

Result<uint64_t> number(const JsonCursor& cursor, std::string_view key) {
  return TRY(cursor.at(key)).unsigned_integer(UINT64_MAX);
}

Result<std::string> optional_text(const JsonCursor& cursor, std::string_view key) {
  const auto found = TRY(cursor.find(key));
  if (!found) return std::string{};
  return TRY(found->string());
}

std::string or_dash(std::string text) { return text.empty() ? "-" : text; }

Result<std::string> upstreams_text(const JsonCursor& status) {
  std::vector<Row> rows{{"UPSTREAM", "ROUND TRIP", "STATE"}};
  for (const auto& upstream : TRY(TRY(status.at("upstreams")).elements())) {
    std::string round_trip = "-";
    if (const auto time = TRY(upstream.find("round_trip_us"))) {
      const auto microseconds = TRY(time->unsigned_integer(UINT64_MAX));
      round_trip = fmt::format("{}.{} ms", microseconds / 1000, microseconds / 100 % 10);
    }
    auto address = TRY(TRY(upstream.at("address")).string());
    const auto* state = TRY(TRY(upstream.at("silent")).boolean()) ? "silent" : "answers";
    rows.push_back({std::move(address), std::move(round_trip), state});
  }
  return rows.size() > 1 ? "\n" + render_table(rows) : std::string{};
}

}  // namespace

Result<std::string> dns_status_text(const Json& status) {
  const JsonCursor cursor{status};
  const auto queries = TRY(cursor.at("queries"));
  const auto forwarding = TRY(cursor.at("forwarding"));
  auto text = fmt::format(
      "process {}, for {} s, port {}, version {} of the names\n"
      "{} queries ({} over TCP), {} forwarded ({} waiting, {} failed), {} dropped\n"
      "host's servers: {}\n",
      TRY(number(cursor, "pid")), TRY(number(cursor, "uptime_seconds")),
      TRY(number(cursor, "port")), TRY(number(cursor, "generation")),
      TRY(number(queries, "udp")) + TRY(number(queries, "tcp")), TRY(number(queries, "tcp")),
      TRY(number(queries, "forwarded")), TRY(number(forwarding, "outstanding")),
      TRY(number(forwarding, "failed")), TRY(number(queries, "dropped")),
      or_dash(TRY(joined(cursor, "host_servers"))));
  for (const auto& complaint : TRY(texts(cursor, "complaints"))) text += "! " + complaint + "\n";
  std::vector<Row> rows{{"NETWORK", "LISTENS ON", "CONTAINERS", "NAMES", "SERVERS", "DOMAIN"}};
  for (const auto& network : TRY(TRY(cursor.at("networks")).elements())) {
    auto name = TRY(TRY(network.at("name")).string());
    if (TRY(TRY(network.at("internal")).boolean())) name += " (internal)";
    auto listens_on = TRY(joined(network, "listen"));
    const auto containers = TRY(number(network, "containers"));
    const auto names = TRY(number(network, "names"));
    auto servers = or_dash(TRY(joined(network, "servers")));
    auto domain = or_dash(TRY(optional_text(network, "domain")));
    rows.push_back({std::move(name), std::move(listens_on), std::to_string(containers),
                    std::to_string(names), std::move(servers), std::move(domain)});
  }
  return text + "\n" + render_table(rows) + TRY(upstreams_text(cursor));
}

Result<std::string> dns_names_text(const Json& names) {
  std::vector<Row> rows{{"NETWORK", "NAME", "LEADS TO"}};
  for (const auto& network : TRY(TRY(JsonCursor{names}.at("networks")).elements())) {
    const auto network_name = TRY(TRY(network.at("name")).string());
    for (const auto& name : TRY(TRY(network.at("names")).elements())) {
      const auto text = TRY(TRY(name.at("name")).string());
      const auto addresses = TRY(joined(name, "addresses"));
      if (!addresses.empty()) rows.push_back({network_name, text, addresses});
      for (const auto& record : TRY(texts(name, "records"))) {
        rows.push_back({network_name, text, record});
      }
    }
  }
  return render_table(rows);
}

Result<std::string> dns_query_text(const Json& answer) {
  const JsonCursor cursor{answer};
  const auto rcode = TRY(optional_text(cursor, "rcode"));
  auto text = fmt::format(
      "{} {} for {} at network {}, which sees {}\n", TRY(TRY(cursor.at("name")).string()),
      TRY(TRY(cursor.at("type")).string()), TRY(TRY(cursor.at("client")).string()),
      TRY(TRY(cursor.at("network")).string()), or_dash(TRY(joined(cursor, "sees"))));
  text += fmt::format("{} by {}", rcode.empty() ? "no answer" : rcode,
                      TRY(TRY(cursor.at("by")).string()));
  if (TRY(cursor.find("servers"))) {
    const auto servers = TRY(joined(cursor, "servers"));
    text += fmt::format(" ({})", servers.empty() ? "the host's servers" : servers);
  }
  if (TRY(cursor.find("microseconds"))) {
    text += fmt::format(" in {} us", TRY(number(cursor, "microseconds")));
  }
  text += '\n';
  for (const auto& record : TRY(texts(cursor, "answer"))) text += "  " + record + "\n";
  return text;
}

Result<std::string> dns_log_text(const Json& line) {
  const JsonCursor cursor{line};
  if (TRY(cursor.find("listening"))) return std::string{};
  if (TRY(cursor.find("lost"))) {
    return fmt::format("... {} more\n", TRY(number(cursor, "lost")));
  }
  auto answer = TRY(joined(cursor, "answer"));
  const auto rcode = TRY(optional_text(cursor, "rcode"));
  std::string from;
  if (TRY(cursor.find("servers"))) {
    from = TRY(joined(cursor, "servers"));
    from = fmt::format(" from {}", from.empty() ? "the host's servers" : from);
  }
  return fmt::format("{} {} {} {} {} {}{}{} {} us\n", TRY(TRY(cursor.at("time")).string()),
                     TRY(TRY(cursor.at("network")).string()),
                     TRY(TRY(cursor.at("client")).string()),
                     or_dash(TRY(TRY(cursor.at("name")).string())),
                     TRY(TRY(cursor.at("type")).string()), rcode.empty() ? "no answer" : rcode,
                     answer.empty() ? "" : " " + answer, from, TRY(number(cursor, "microseconds")));
}

}  // namespace burrow::engine
