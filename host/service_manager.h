// Telling the service manager how we are: systemd's protocol of sd_notify(3), without its library.
#pragma once

#include <string_view>

#include "core/result.h"

namespace burrow::host {

/// Sends lines such as "READY=1\nSTATUS=watching" to whoever started us, if that wants to know
/// ($NOTIFY_SOCKET). Errors: system.
Result<void> tell_service_manager(std::string_view state);

}  // namespace burrow::host
