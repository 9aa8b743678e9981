#include "plugins/sdk/plugin.h"

#include <unistd.h>

#include <cstdio>

#include "core/json.h"
#include "host/file.h"

namespace burrow::plugins {
namespace {

constexpr std::string_view kApiVersion = "1.0.0";

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> create(Plugin& plugin, const std::string& document) {
  const auto network = TRY(parse_json(document));
  return text_of(encode(TRY(plugin.create(TRY(netstack::decode_network(JsonCursor{network}))))));
}

Result<std::string> setup(Plugin& plugin, const std::string& document, const std::string& netns) {
  const auto status = TRY(plugin.setup(TRY(decode_attachment(document, netns))));
  return text_of(encode(std::vector{status})[status.network.str()]);
}

Result<std::string> teardown(Plugin& plugin, const std::string& document,
                             const std::string& netns) {
  TRY_VOID(plugin.teardown(TRY(decode_attachment(document, netns))));
  return std::string{};
}

Result<std::string> act(Plugin& plugin, const std::vector<std::string>& arguments) {
  const auto& verb = arguments[0];
  if (verb == "info") {
    return text_of({{"version", plugin.version()}, {"api_version", kApiVersion}});
  }
  const bool has_netns = verb == "setup" || verb == "teardown";
  if (!has_netns && verb != "create") {
    return fail(Errc::invalid_input,
                "unknown command \"{}\": must be create, setup, teardown or info",
                verb.substr(0, 64));
  }
  if (arguments.size() != (has_netns ? 2 : 1)) {
    return fail(Errc::invalid_input, "{} needs {}", verb,
                has_netns ? "the path of a network namespace and nothing else" : "no argument");
  }
  const auto document = TRY(host::read_all(STDIN_FILENO));
  if (verb == "create") return create(plugin, document);
  return verb == "setup" ? setup(plugin, document, arguments[1])
                         : teardown(plugin, document, arguments[1]);
}

}  // namespace

int run(Plugin& plugin, int argc, char** argv) {
  std::vector<std::string> arguments{argv + 1, argv + argc};
  if (arguments.empty()) arguments.emplace_back("info");
  const auto answer = act(plugin, arguments);
  if (!answer) {
    std::puts(text_of({{"error", answer.error().message}}).c_str());
    return 1;
  }
  if (!answer->empty()) std::puts(answer->c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace burrow::plugins
