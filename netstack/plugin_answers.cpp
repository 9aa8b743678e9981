#include "netstack/plugin_answers.h"

#include "core/json.h"

namespace burrow::netstack {

std::vector<RecordChange> with_answers(std::vector<RecordChange> changes,
                                       const PluginAnswers& answers) {
  if (answers.empty()) return changes;
  for (auto& change : changes) {
    if (!change.after || !change.path.starts_with("attachments/")) continue;
    auto record = decode_attachment_record(*change.after);
    if (!record) continue;
    const auto answer = answers.find(record->network);
    if (answer == answers.end()) continue;
    for (auto& step : record->steps) {
      if (auto* plugin = std::get_if<SetUpPlugin>(&step)) plugin->answer = answer->second;
    }
    change.after = encode(*record);
  }
  return changes;
}

std::string answer_text(const SetupRequest& request, const std::vector<Status>& statuses,
                        const PluginAnswers& answers) {
  const auto planned = encode(statuses);
  Json document = Json::object();
  for (const auto& attachment : request.attachments) {
    const auto& name = attachment.network.name;
    if (const auto answer = answers.find(name); answer != answers.end()) {
      document[name.str()] = Json::parse(answer->second, nullptr, false);
    } else if (const auto status = planned.find(name.str()); status != planned.end()) {
      document[name.str()] = *status;
    }
  }
  return document.dump();
}

}  // namespace burrow::netstack
