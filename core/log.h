// Log lines on stderr, in the form that netavark's users know: "[INFO  burrow::firewall] text".
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace burrow::log {

enum class Level { off, error, warn, info, debug, trace };

/// The threshold that an environment value such as "info" or "netavark=debug,other=off" asks for:
/// words for "netavark" and "burrow" count before plain ones, those for others not at all.
/// `fallback` when it asks for nothing we know.
Level parse_level(std::string_view text, Level fallback);

/// Sets what is written from now on. Call once, before the first thread.
void set_threshold(Level threshold);
bool is_enabled(Level level);

/// How lines look: for a terminal, or as RFC 3164 messages of `tag` for a syslog socket that the
/// caller has put in place of stderr. Call when there is one thread.
enum class Form { terminal, syslog };
void set_form(Form form, std::string_view tag);

/// Writes one line, whatever the threshold.
void write(Level level, std::string_view area, std::string_view message);

template <typename... Args>
void line(Level level, std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(level)) write(level, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::error, area, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::warn, area, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::info, area, format, std::forward<Args>(args)...);
}
template <typename... Args>
void debug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::debug, area, format, std::forward<Args>(args)...);
}

}  // namespace burrow::log
