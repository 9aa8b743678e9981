// `burrow dns ...`: asks the DNS daemon over its control socket (docs/dns.md).

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "engine/cli.h"
#include "engine/dns_report.h"
#include "host/local_socket.h"

namespace burrow::engine {
namespace {

constexpr std::chrono::milliseconds kDeadline{10'000};
constexpr size_t kLargestDocument = size_t{64} << 20U;

using Render = Result<std::string> (*)(const Json&);

struct Options {
  std::string directory;
  std::string format;
  std::string network;
  std::string from;
  std::string name;
  std::string type;
};

// Where the daemon listens: beside its configuration directory.
fs::path socket_of(const Session& session, const Options& options) {
  const auto directory = options.directory.empty()
                             ? session.directories().netstack() / "aardvark-dns"
                             : fs::absolute(options.directory).lexically_normal();
  const auto whole = directory.has_filename() ? directory : directory.parent_path();
  return fs::path{whole}.concat(".sock");
}

Failure explained(Error error, const fs::path& socket) {
  if (error.code != Errc::not_found) return Failure{std::move(error)};
  return fail(Errc::not_found, "no DNS daemon: there is no \"{}\"", socket.native());
}

Result<void> check(const Json& document) {
  if (const auto error = TRY(JsonCursor{document}.find("error"))) {
    return fail(Errc::invalid_input, "{}", TRY(error->string()));
  }
  return {};
}

Result<void> check_format(const std::string& format) {
  if (format.empty() || format == "json" || format == "table") return {};
  return fail(Errc::invalid_input, "unknown format \"{}\": must be table or json", format);
}

Result<void> ask(const Session& session, const Options& options, const std::string& request,
                 Render render) {
  TRY_VOID(check_format(options.format));
  if (request.find('\n') != request.npos) {
    return fail(Errc::invalid_input, "a line break in \"{}\"", request);
  }
  const auto socket = socket_of(session, options);
  const auto answer = host::ask_local(socket, request + "\n", kDeadline);
  if (!answer) return explained(answer.error(), socket);
  if (render == nullptr) {
    show(*answer);
    return {};
  }
  const auto document = TRY(parse_json(*answer, kLargestDocument));
  TRY_VOID(check(document));
  show(options.format == "json" ? document.dump(2) + "\n" : TRY(render(document)));
  return {};
}

Result<void> follow(const Session& session, const Options& options) {
  TRY_VOID(check_format(options.format));
  const auto socket = socket_of(session, options);
  const auto followed = host::follow_local(socket, "log\n", [&](std::string_view line) {
    if (options.format == "json") return show(std::string{line} + "\n");
    const auto document = parse_json(line);
    if (!document) return;
    if (const auto text = dns_log_text(*document)) show(*text);
  });
  if (!followed) return explained(followed.error(), socket);
  return {};
}

using Work = std::function<Result<void>(const Options&)>;

CLI::App& add(CLI::App& dns, Session& session, const std::string& name, const std::string& about,
              const std::shared_ptr<Options>& options, Work work) {
  auto* command = dns.add_subcommand(name, about);
  command
      ->add_option("--dir", options->directory,
                   "Configuration directory of the daemon (default: this engine's; Podman's is "
                   "/run/containers/networks/aardvark-dns)")
      ->type_name("DIR");
  command->callback([&session, options, work = std::move(work)] {
    if (const auto done = work(*options); !done) show_error(session, done.error());
  });
  return *command;
}

void add_format(CLI::App& command, const std::shared_ptr<Options>& options) {
  command.add_option("--format", options->format, "table or json");
}

}  // namespace

void add_dns_commands(CLI::App& app, Session& session) {
  auto* dns = app.add_subcommand("dns", "Look into the DNS daemon");
  dns->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  add_format(add(*dns, session, "status", "Show networks, upstream servers and counters", options,
                 [&session](const Options& given) {
                   return ask(session, given, "status", dns_status_text);
                 }),
             options);
  auto& names = add(*dns, session, "names", "List the names of a network, or of all", options,
                    [&session](const Options& given) {
                      const auto& network = given.network;
                      return ask(session, given, network.empty() ? "names" : "names " + network,
                                 dns_names_text);
                    });
  names.add_option("NETWORK", options->network, "Name of the network");
  add_format(names, options);
  auto& query = add(*dns, session, "query", "Ask as a container would, and show who answers",
                    options, [&session](const Options& given) {
                      auto request = fmt::format("query {} {}", given.name, given.type);
                      if (!given.network.empty()) request += " network=" + given.network;
                      if (!given.from.empty()) request += " from=" + given.from;
                      return ask(session, given, request, dns_query_text);
                    });
  query.add_option("NAME", options->name, "What to ask for")->required();
  query.add_option("TYPE", options->type, "Type of record (default: A)");
  query.add_option("--network", options->network,
                   "Network whose gateway is asked (default: the container's, or the first)");
  query.add_option("--from", options->from, "Address of the container that asks (default: host)")
      ->type_name("ADDRESS");
  add_format(query, options);
  add_format(add(*dns, session, "log", "Show queries and answers as they come, until interrupted",
                 options, [&session](const Options& given) { return follow(session, given); }),
             options);
  add(*dns, session, "metrics", "Show the counters in the text format of Prometheus", options,
      [&session](const Options& given) { return ask(session, given, "metrics", nullptr); });
}

}  // namespace burrow::engine
