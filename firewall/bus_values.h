// Strings as the contents of bus messages, for this folder alone: no connection. What is read from
// a message is in BusReply.
#pragma once

#include <span>

#include "firewall/bus.h"

namespace burrow::firewall {

/// Puts arguments into a message. Errors: invalid_input for strings that are no UTF-8, exhausted.
Result<void> append_arguments(DBusMessage& message, std::span<const std::string> arguments);

/// Puts a dictionary into a message, behind what is there. Errors: likewise.
Result<void> append_setting(DBusMessage& message, const BusSetting& setting);

/// The strings that a message begins with.
std::vector<std::string> leading_texts(DBusMessage& message);

}  // namespace burrow::firewall
