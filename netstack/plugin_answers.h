// What plugins answered, brought together with what was planned. Pure.
#pragma once

#include <string>
#include <vector>

#include "netstack/plugin.h"
#include "netstack/record.h"
#include "netstack/request.h"
#include "netstack/status.h"

namespace burrow::netstack {

/// Record changes that remember the answers: each stands in the record of its attachment to one of
/// the networks of `answers`.
std::vector<RecordChange> with_answers(std::vector<RecordChange> changes,
                                       const PluginAnswers& answers);

/// The text of a set-up's answer: what was planned and what plugins said, in the order of the
/// request.
std::string answer_text(const SetupRequest& request, const std::vector<Status>& statuses,
                        const PluginAnswers& answers);

}  // namespace burrow::netstack
