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

void QueryLog::add(std::shared_ptr<Conversation> listener) {
  listeners_.push_back({std::move(listener), 0});
}

void QueryLog::remove(const Conversation* listener) {
  std::erase_if(listeners_,
                [&](const Listener& each) { return each.conversation.get() == listener; });
}

void QueryLog::answered(const Zones& zones, const Client& client, const Query& query, Bytes reply,
                        Clock::duration took) {
  tell(completed(described(zones, client, query), reply, took));
}

Forwarder::Sink QueryLog::watch(const Zones& zones, const Client& client, const Query& query,
                                std::span<const IpAddress> servers, Forwarder::Sink sink) {
  auto line = described(zones, client, query);
  line["servers"] = Json::array();
  for (const auto& server : servers) line["servers"].push_back(server.to_string());
  return [self = self_, line = std::move(line), begin = Clock::now(),
          sink = std::move(sink)](Bytes reply) {
    if (*self != nullptr && (*self)->has_listeners()) {
      (*self)->tell(completed(line, reply, Clock::now() - begin));
    }
    sink(reply);
  };
}

void QueryLog::tell(std::string line) {
  line += '\n';
  // Saying may end a conversation, which then takes itself off the list.
  const auto conversations = listeners_;
  for (const auto& listener : conversations) {
    const bool is_taken =
        listener.lost == 0
            ? listener.conversation->say(line)
            : listener.conversation->say(fmt::format("{{\"lost\":{}}}\n{}", listener.lost, line));
    for (auto& kept : listeners_) {
      if (kept.conversation == listener.conversation) kept.lost = is_taken ? 0 : kept.lost + 1;
    }
  }
}

}  // namespace burrow::dns
