#include "netstack/run_plugin.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "core/json.h"
#include "core/log.h"
#include "core/overloaded.h"
#include "host/guarded_process.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestDocument = size_t{1} << 20U;
constexpr size_t kLongestQuote = 160;
constexpr size_t kMostLines = 100;

// What a person may see of bytes that a program wrote: cut, and without control characters.
std::string printable(std::string_view text, size_t longest = kLongestQuote) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string result{text.substr(0, longest)};
  std::ranges::replace_if(
      result, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (text.size() > longest) result += "...";
  return result;
}

std::string_view last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const auto start = text.rfind('\n');
  return start == text.npos ? text : text.substr(start + 1);
}

// A plugin's words for people go on to ours.
void pass_on(std::string_view name, std::string_view words) {
  for (size_t line = 0; line < kMostLines && !words.empty(); ++line) {
    const auto end = std::min(words.find('\n'), words.size());
    log::write(log::Level::info, "plugin",
               fmt::format("{}: {}", name, printable(words.substr(0, end), 1024)));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

// The message of {"error": "..."}, or nothing.
std::optional<std::string> told_error(std::string_view output) {
  const auto document = parse_json(output, kLargestDocument);
  if (!document) return std::nullopt;
  const auto member = JsonCursor{*document}.find("error");
  if (!member || !*member) return std::nullopt;
  auto text = (*member)->string();
  if (!text) return std::nullopt;
  return *std::move(text);
}

// How a run went: its output, or why there is none that counts.
struct Run {
  Result<std::string> output;
  bool is_own_failure = false;  // it ended by itself and said that it had failed
};

Run judge(std::string_view name, const host::GuardedOutcome& outcome,
          const PluginSettings& settings) {
  const auto failed = [&](Errc code, std::string what) {
    const auto said = printable(last_line(outcome.error_output));
    if (!said.empty()) what += fmt::format("; it last said: \"{}\"", said);
    return Run{fail(code, "plugin \"{}\" {}", name, what)};
  };
  return std::visit(
      Overloaded{
          [&](const host::Exited& exited) {
            if (exited.status == 0) return Run{outcome.output};
            if (const auto error = told_error(outcome.output)) {
              return Run{
                  .output = fail(Errc::system, "plugin \"{}\" failed: exit code {}, message: {}",
                                 name, exited.status, printable(*error, 1024)),
                  .is_own_failure = true};
            }
            return failed(Errc::system,
                          outcome.output.empty()
                              ? fmt::format("failed: exit code {}, no message", exited.status)
                              : fmt::format("failed: exit code {}, and instead of an error it "
                                            "wrote: \"{}\"",
                                            exited.status, printable(outcome.output)));
          },
          [&](const host::Killed& killed) {
            return failed(Errc::system, fmt::format("was killed by signal {} ({})", killed.signal,
                                                    ::strsignal(killed.signal)));
          },
          [&](const host::TimedOut&) {
            return failed(Errc::timeout,
                          fmt::format("did not end within {} s and was killed",
                                      static_cast<double>(settings.time_limit.count()) / 1000));
          },
          [&](const host::Flooded&) {
            return failed(Errc::system, fmt::format("wrote more than {} bytes and was killed",
                                                    host::Bounds{}.output));
          }},
      outcome.end);
}

Run run(const PluginCall& call, const std::string& program, std::string_view verb,
        const PluginSettings& settings) {
  host::Command command{.arguments = {program, std::string{verb}}, .input = call.input};
  if (!call.netns.empty()) command.arguments.push_back(call.netns);
  log::debug("plugin", "run {} {} {}", program, verb, call.netns);
  const auto outcome = host::run_guarded(command, {.time = settings.time_limit});
  if (!outcome) {
    return {with_context(outcome.error(), fmt::format("plugin \"{}\"", call.name()))};
  }
  pass_on(call.name(), outcome->error_output);
  return judge(call.name(), *outcome, settings);
}

bool is_program(const fs::path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         (found.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

std::string of_network(const PluginCall& call) {
  return fmt::format("network \"{}\"", call.network);
}

}  // namespace

std::optional<std::string> find_plugin(const PluginName& name, const PluginSettings& settings) {
  for (const auto& directory : settings.directories) {
    const auto path = directory / name.str();
    if (is_program(path)) return path.native();
  }
  return std::nullopt;
}

std::map<std::string, std::string> find_plugins(const SetupRequest& request,
                                                const PluginSettings& settings) {
  std::map<std::string, std::string> found;
  for (const auto& attachment : request.attachments) {
    const auto& driver = attachment.network.driver;
    if (is_builtin_driver(driver)) continue;
    const auto name = PluginName::parse(driver);
    if (!name) continue;  // the planner says what is wrong with it
    if (auto program = find_plugin(*name, settings)) found[driver] = *std::move(program);
  }
  return found;
}

Result<std::string> plugin_setup(const PluginCall& call, const PluginSettings& settings) {
  auto setup = run(call, call.program, "setup", settings);
  if (setup.output) {
    auto answer = checked_plugin_answer(*setup.output);
    if (answer) return answer;
    setup.output =
        with_context(std::move(answer).error(),
                     fmt::format("plugin \"{}\" answered \"{}\", which is no StatusBlock",
                                 call.name(), printable(*setup.output)));
  }
  if (!setup.is_own_failure) {
    const auto back = run(call, call.program, "teardown", settings);
    if (!back.output) {
      log::warn("plugin", "while taking back a set-up of it: {}", back.output.error().message);
    }
  }
  return with_context(std::move(setup.output).error(), of_network(call));
}

Result<void> plugin_teardown(const PluginCall& call, const PluginSettings& settings) {
  auto program = call.program;
  if (!is_program(program)) {
    const auto found = find_plugin(TRY(PluginName::parse(call.name())), settings);
    if (!found) {
      return fail(Errc::not_found, "{}: plugin \"{}\" is not there any more to tear it down",
                  of_network(call), call.program);
    }
    program = *found;
  }
  const auto teardown = run(call, program, "teardown", settings);
  if (!teardown.output) return with_context(teardown.output.error(), of_network(call));
  return {};
}

Result<Network> plugin_create(const Network& network, const PluginSettings& settings) {
  const auto parsed = PluginName::parse(network.driver);
  if (!parsed) return with_context(parsed.error(), "unknown network driver");
  const auto& name = *parsed;
  if (settings.directories.empty()) {
    return fail(Errc::unsupported,
                "unknown network driver \"{}\", and no plugin directory to look for it in", name);
  }
  const auto program = find_plugin(name, settings);
  if (!program) {
    return fail(Errc::not_found, "plugin for driver \"{}\" not found in plugin directories", name);
  }
  const PluginCall call{
      .program = *program, .network = network.name, .netns = {}, .input = encode(network).dump()};
  const auto made = run(call, call.program, "create", settings);
  if (!made.output) return with_context(made.output.error(), of_network(call));
  const auto document = parse_json(*made.output, kLargestDocument);
  auto completed = document ? decode_network(JsonCursor{*document}) : Failure{document.error()};
  if (completed) return completed;
  return with_context(std::move(completed).error(),
                      fmt::format("plugin \"{}\" answered \"{}\", which is no network", name,
                                  printable(*made.output)));
}

}  // namespace burrow::netstack
