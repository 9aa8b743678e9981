// What the DNS daemon tells about itself, as text for people. Pure: its JSON in, text out.
#pragma once

#include <string>

#include "core/json.h"

namespace burrow::engine {

/// The document of `status`. Errors: invalid_input when it is none.
Result<std::string> dns_status_text(const Json& status);
/// The document of `names`, a table.
Result<std::string> dns_names_text(const Json& names);
/// The document of `query`.
Result<std::string> dns_query_text(const Json& answer);
/// A line of `log`; empty for one that says nothing to people.
Result<std::string> dns_log_text(const Json& line);

}  // namespace burrow::engine
