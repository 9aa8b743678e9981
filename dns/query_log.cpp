#include "dns/query_log.h"

#include <ctime>

#include "core/json.h"
#include "dns/message_text.h"
#include "dns/name.h"

namespace burrow::dns {
namespace {

// UTC, to the millisecond.
std::string now_text() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     now.tv_nsec / 1'000'000);
}

Json described(const Zones& zones, const Client& client, const Query& query) {
  return {{"time", now_text()},
          {"network", client.network < zones.networks().size()
                          ? zones.networks()[client.network]->name()
                          : std::string{}},
          {"client", client.source.to_string()},
          {"transport", client.transport == Transport::udp ? "udp" : "tcp"},
          {"name", query.question.empty() ? "" : name_text(query.labels())},
          {"type", query.question.empty() ? "" : type_text(query.type)}};
}

// Empty when no upstream had a part in the answer.
std::string source_text(const Forwarder::Source& source) {
  if (source.kind == Forwarder::Source::Kind::cache) return "cache";
  return source.server ? source.server->to_string() : std::string{};
}

std::string completed(Json line, Bytes reply, Clock::duration took) {
  if (!reply.empty()) {
    const auto text = describe(reply);
    line["rcode"] = text.rcode;
    line["answer"] = text.answer;
  }
  line["microseconds"] = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void QueryLog::answered(const Zones& zones, const Client& client, const Query& query, Bytes reply,
                        Clock::duration took) const {
  tell_(completed(described(zones, client, query), reply, took));
}

void QueryLog::answered_from_cache(const Zones& zones, const Client& client, const Query& query,
                                   Bytes reply, Clock::duration took) const {
  auto line = described(zones, client, query);
  line["upstream"] = "cache";
  tell_(completed(std::move(line), reply, took));
}

Forwarder::Sink QueryLog::watch(const Zones& zones, const Client& client, const Query& query,
                                std::span<const IpAddress> servers, Forwarder::Sink sink) const {
  auto line = described(zones, client, query);
  line["servers"] = Json::array();
  for (const auto& server : servers) line["servers"].push_back(server.to_string());
  return [this, line = std::move(line), begin = Clock::now(), sink = std::move(sink)](
             Bytes reply, const Forwarder::Source& source) {
    auto whole = line;
    if (const auto text = source_text(source); !text.empty()) whole["upstream"] = text;
    tell_(completed(std::move(whole), reply, Clock::now() - begin));
    sink(reply, source);
  };
}

}  // namespace burrow::dns
