#include "dns/trial.h"

#include <algorithm>

#include "core/json.h"
#include "dns/message_text.h"

namespace burrow::dns {
namespace {

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<uint8_t> message_of(const Trial& trial) {
  const auto labels = trial.name.labels();
  std::vector<uint8_t> message(kHeaderSize);
  write_u16(&message[2], kFlagRecursionDesired);
  write_u16(&message[4], 1);
  message.insert(message.end(), labels.begin(), labels.end());
  message.resize(message.size() + 5);
  write_u16(&message[message.size() - 4], trial.type);
  write_u16(&message[message.size() - 2], kClassInternet);
  return message;
}

// The network whose listener would be asked.
std::optional<uint32_t> network_of(const Trial& trial, const Zones& zones) {
  if (!trial.network.empty()) return zones.find_network(trial.network);
  const auto networks = zones.networks();
  for (uint32_t i = 0; i < networks.size(); ++i) {
    if (trial.source && networks[i]->find_container(*trial.source) != nullptr) return i;
  }
  if (networks.empty()) return {};
  return 0;
}

void add_reply(Json& json, Bytes reply, Clock::time_point begin) {
  const auto took = Clock::now() - begin;
  if (!reply.empty()) {
    const auto text = describe(reply);
    json["rcode"] = text.rcode;
    json["answer"] = text.answer;
    json["authority"] = text.authority;
  }
  json["microseconds"] = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
}

}  // namespace

Result<Trial> parse_trial(std::string_view words) {
  Trial trial;
  bool has_name = false;
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    const auto word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    if (word.empty()) continue;
    if (word.starts_with("network=")) {
      trial.network = word.substr(8);
    } else if (word.starts_with("from=")) {
      trial.source = TRY(IpAddress::parse(word.substr(5)));
    } else if (!has_name) {
      if (word != ".") trial.name = TRY(DomainName::parse(word));
      has_name = true;
    } else if (const auto type = parse_type(word)) {
      trial.type = *type;
    } else {
      return fail(Errc::invalid_input, "unknown record type \"{}\"", word.substr(0, 32));
    }
  }
  if (!has_name) return fail(Errc::invalid_input, "no name to ask for");
  return trial;
}

void run_trial(const Trial& trial, const Authority& authority,
               std::function<void(std::string document)> done) {
  const Zones& zones = *authority.zones;
  const auto network = network_of(trial, zones);
  if (!network) {
    return done(line_of({{"error", fmt::format("no network \"{}\"", trial.network)}}));
  }
  const auto& asked = *zones.networks()[*network];
  const Client client{*network, trial.source.value_or(asked.listen_addresses()[0]), Transport::tcp};
  Json json{{"name", trial.name.to_string()},
            {"type", type_text(trial.type)},
            {"network", asked.name()},
            {"client", client.source.to_string()},
            {"sees", Json::array()}};
  for (const auto seen : zones.view(client.network, client.source).networks) {
    json["sees"].push_back(zones.networks()[seen]->name());
  }
  const auto message = message_of(trial);
  std::vector<uint8_t> reply(kMaximumMessageSize);
  Query query;
  const auto begin = Clock::now();
  const auto verdict = answer(zones, client, message, query, reply);
  if (const auto* written = std::get_if<Reply>(&verdict)) {
    json["by"] = "us";
    add_reply(json, Bytes{reply}.first(written->size), begin);
    return done(line_of(json));
  }
  const auto* away = std::get_if<Forward>(&verdict);
  const auto* chase = std::get_if<Chase>(&verdict);
  if (away == nullptr && chase == nullptr) {
    json["by"] = "nobody";
    return done(line_of(json));
  }
  const auto servers = away != nullptr ? away->servers : chase->servers;
  json["by"] = away != nullptr ? "upstream" : "us and upstream";
  json["servers"] = Json::array();
  for (const auto& server : servers) json["servers"].push_back(server.to_string());
  Forwarder::Sink sink = [json = std::move(json), begin, done = std::move(done)](
                             Bytes late, const Forwarder::Source& source) {
    auto whole = json;
    if (source.server) whole["upstream"] = source.server->to_string();
    add_reply(whole, late, begin);
    done(line_of(whole));
  };
  if (away != nullptr) {
    return authority.forwarder.forward(zones, client, query, servers, std::move(sink));
  }
  authority.forwarder.complete(
      zones, client,
      AliasChase{query, Transport::tcp, Bytes{reply}.first(chase->size), chase->target}, servers,
      std::move(sink));
}

}  // namespace burrow::dns
