// Carrying out the end of attachments: errands first, without the journal's lock, then the rest.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "netstack/session.h"

namespace burrow::netstack {

/// Ends what `plan` says, which looks at the host and plans: asked once more when errands have been
/// run, as others may have been at work meanwhile. All errors; what could be done is done.
std::vector<Error> end_attachments(const ContainerId& container,
                                   const std::function<Result<Plan>()>& plan, Session& session,
                                   const std::string& netns);

}  // namespace burrow::netstack
