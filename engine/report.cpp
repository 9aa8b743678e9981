#include "engine/report.h"

#include "core/json.h"

namespace burrow::engine {

std::string render(const Report& report) {
  Json json = Json::object();
  if (report.started) {
    json["pid"] = report.started->pid;
    json["start_ticks"] = report.started->start_ticks;
  }
  if (report.exit_code) json["exit_code"] = *report.exit_code;
  if (!report.error.empty()) json["error"] = report.error;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Report> parse_report(std::string_view line) {
  const auto document = TRY(parse_json(line));
  const JsonCursor cursor{document};
  Report report;
  if (const auto pid = TRY(cursor.find("pid"))) {
    const auto number = TRY(pid->unsigned_integer(INT32_MAX));
    const auto start_ticks = TRY(TRY(cursor.at("start_ticks")).unsigned_integer(UINT64_MAX));
    report.started = ProcessIdentity{.pid = static_cast<int>(number), .start_ticks = start_ticks};
  }
  if (const auto code = TRY(cursor.find("exit_code"))) {
    report.exit_code = static_cast<int>(TRY(code->unsigned_integer(255)));
  }
  if (const auto error = TRY(cursor.find("error"))) report.error = TRY(error->string());
  return report;
}

}  // namespace burrow::engine
