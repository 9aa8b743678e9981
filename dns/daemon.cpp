#include "dns/daemon.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/log.h"
#include "dns/command_line.h"
#include "dns/service.h"
#include "host/fd.h"

namespace burrow::dns {
namespace {

constexpr const char* kSyslogSocket = "/dev/log";

void print(FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

// RUST_LOG as callers set it: one level in any case; anything else is said and means info.
void set_log_level() {
  const char* wanted = std::getenv("RUST_LOG");
  auto level = log::Level::info;
  if (wanted != nullptr) {
    const std::string_view text{wanted};
    level = log::parse_level(text, log::Level::off);
    if (level == log::Level::off) {
      level = log::Level::info;
      print(stderr, fmt::format("RUST_LOG is no log level: \"{}\"\n", text.substr(0, 64)));
    }
  }
  log::set_threshold(level);
}

// What the caller leaves open must not live as long as the daemon does.
void close_inherited() { ::close_range(STDERR_FILENO + 1, ~0U, 0); }

// From here on nothing holds the caller's terminal, pipes or directory.
void detach(std::string_view tag) {
  ::setsid();
  [[maybe_unused]] const int moved = ::chdir("/");
  const host::Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(null.get(), standard);
  }
  const host::Fd syslog{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{.sun_family = AF_UNIX};
  std::strncpy(address.sun_path, kSyslogSocket, sizeof address.sun_path - 1);
  if (syslog.is_open() &&
      ::connect(syslog.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    // Each line is one write, hence one datagram. A full syslog must not hold up answers.
    ::fcntl(syslog.get(), F_SETFL, O_NONBLOCK);
    ::dup2(syslog.get(), STDERR_FILENO);
    log::set_form(log::Form::syslog, tag);
  }
}

// In the child: serves to the end. The word to the parent is one byte.
int serve(const CommandLine& command_line, std::string_view tag, host::Fd ready) {
  const auto refuse = [](const Error& error) {
    print(stderr, error.message + "\n");
    return EXIT_FAILURE;
  };
  Service service{command_line};
  const auto started = service.start();
  if (!started) return refuse(started.error());
  if (*started == Service::Start::no_network) {
    log::warn("dns", "no network in \"{}\"", command_line.config_directory);
    return EXIT_SUCCESS;
  }
  detach(tag);
  if (::write(ready.get(), "1", 1) != 1) log::warn("dns", "the caller is gone");
  ready.reset();
  if (const auto ended = service.run(); !ended) {
    log::error("dns", "{}", ended.error().message);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

int run(const CommandLine& command_line, std::string_view tag) {
  close_inherited();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    print(stderr, system_failure(errno, "pipe").value().message + "\n");
    return EXIT_FAILURE;
  }
  host::Fd wait{ends[0]};
  host::Fd ready{ends[1]};
  const pid_t child = ::fork();
  if (child < 0) {
    print(stderr, system_failure(errno, "fork").value().message + "\n");
    return EXIT_FAILURE;
  }
  if (child == 0) {
    wait.reset();
    return serve(command_line, tag, std::move(ready));
  }
  ready.reset();
  char word = 0;
  ssize_t count = 0;
  do {
    count = ::read(wait.get(), &word, 1);
  } while (count < 0 && errno == EINTR);
  if (count == 1) return EXIT_SUCCESS;
  print(stderr, "Error from child process\n");
  return EXIT_FAILURE;
}

}  // namespace

int run_program(std::span<const char* const> arguments) {
  const auto name = arguments.empty() ? "burrow-dns" : base_name(arguments[0]);
  const auto command_line = parse_command_line(arguments);
  if (!command_line) {
    print(stderr, fmt::format("error: {}\n\nUsage: {} [OPTIONS] <COMMAND>\n\n"
                              "For more information, try '--help'.\n",
                              command_line.error().message, name));
    return 2;
  }
  switch (command_line->subcommand) {
    case Subcommand::print_help:
      print(stdout, help_text(name));
      return EXIT_SUCCESS;
    case Subcommand::print_version:
      print(stdout, version_text(command_line->compatibility));
      return EXIT_SUCCESS;
    case Subcommand::print_version_document:
      print(stdout, version_document(command_line->compatibility));
      return EXIT_SUCCESS;
    case Subcommand::run:
      set_log_level();
      return run(*command_line, name);
  }
  return EXIT_FAILURE;
}

}  // namespace burrow::dns
