#include "core/log.h"

#include <unistd.h>

#include <array>
#include <ctime>
#include <optional>
#include <string>

namespace burrow::log {
namespace {

// The one piece of process-wide state: which lines are wanted. Set before any thread exists.
Level threshold = Level::error;
// And how they look.
Form form = Form::terminal;
std::string syslog_tag;

// RFC 3164 section 4.1: facility user, the local time and the tag.
std::string syslog_head(Level level) {
  constexpr std::array<int, 6> kSeverities{3, 3, 4, 6, 7, 7};
  constexpr int kFacilityUser = 1;
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%b %e %H:%M:%S", &local);
  return fmt::format("<{}>{} {}[{}]: ", kFacilityUser * 8 + kSeverities[static_cast<size_t>(level)],
                     date.data(), syslog_tag, getpid());
}

constexpr std::array<std::string_view, 6> kWords{"off", "error", "warn", "info", "debug", "trace"};

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if ((static_cast<unsigned char>(left[i]) | 0x20U) != static_cast<unsigned char>(right[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

Level parse_level(std::string_view text, Level fallback) {
  Level plain = fallback;
  std::optional<Level> own;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto word = text.substr(0, comma);
    text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
    const auto equals = word.find('=');
    const auto target = equals == word.npos ? std::string_view{} : word.substr(0, equals);
    if (!target.empty()) word = word.substr(equals + 1);
    const bool is_own = target.starts_with("netavark") || target.starts_with("burrow");
    if (!target.empty() && !is_own) continue;
    for (size_t i = 0; i < kWords.size(); ++i) {
      if (!equal_ignoring_case(word, kWords[i])) continue;
      if (is_own) {
        own = static_cast<Level>(i);
      } else {
        plain = static_cast<Level>(i);
      }
    }
  }
  return own.value_or(plain);
}

void set_threshold(Level wanted) { threshold = wanted; }

void set_form(Form wanted, std::string_view tag) {
  form = wanted;
  syslog_tag = tag;
}

bool is_enabled(Level level) { return level <= threshold; }

void write(Level level, std::string_view area, std::string_view message) {
  constexpr std::array<std::string_view, 6> kLabels{"OFF  ", "ERROR", "WARN ",
                                                    "INFO ", "DEBUG", "TRACE"};
  const auto text =
      form == Form::syslog
          ? fmt::format("{}{}: {}", syslog_head(level), area, message)
          : fmt::format("[{} burrow::{}] {}\n", kLabels[static_cast<size_t>(level)], area, message);
  // One write per line, so that lines of parallel processes do not mix; a lost line is no failure.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace burrow::log
