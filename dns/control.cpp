#include "dns/control.h"

#include <sys/stat.h>

#include "core/json.h"
#include "core/log.h"
#include "host/local_socket.h"

namespace burrow::dns {
namespace {

uint64_t inode_of(const host::fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::string line_of(const Json& json) {
  // Names from files may hold bytes that are no UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string line_of(const Error& error) { return line_of(Json{{"error", error.message}}); }

std::string line_of(const Refreshed& refreshed) {
  return line_of(Json{{"generation", refreshed.generation},
                      {"networks", refreshed.networks},
                      {"failures", refreshed.failures}});
}

}  // namespace

host::fs::path control_path(const host::fs::path& directory) {
  auto path = directory.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.concat(".sock");
}

std::unique_ptr<ControlSocket> ControlSocket::open(EventLoop& loop, const host::fs::path& path,
                                                   ControlActions actions) {
  auto socket = host::listen_local(path);
  if (!socket) {
    log::warn("dns", "no control socket: {}", socket.error().message);
    return nullptr;
  }
  return std::unique_ptr<ControlSocket>{
      new ControlSocket{loop, *std::move(socket), path, std::move(actions)}};
}

ControlSocket::ControlSocket(EventLoop& loop, host::Fd socket, host::fs::path path,
                             ControlActions actions)
    : path_(std::move(path)),
      inode_(inode_of(path_)),
      actions_(std::move(actions)),
      server_(loop, std::move(socket), Framing::line,
              [this](std::string_view request, const std::shared_ptr<Conversation>& conversation) {
                on_request(request, conversation);
              }) {}

void ControlSocket::remove() {
  if (inode_of(path_) != inode_) return;
  if (const auto removed = host::remove_file(path_); !removed) {
    log::warn("dns", "{}", removed.error().message);
  }
}

void ControlSocket::on_request(std::string_view request,
                               const std::shared_ptr<Conversation>& conversation) {
  if (request == "refresh") {
    const auto refreshed = actions_.refresh();
    conversation->say(refreshed ? line_of(*refreshed) : line_of(refreshed.error()));
    // The end of the daemon is the end of this conversation: whoever waits for it knows both.
    if (refreshed && refreshed->networks == 0) return;
  } else {
    conversation->say(line_of(
        Error{Errc::invalid_input, fmt::format("unknown command \"{}\"", request.substr(0, 64))}));
  }
  conversation->finish();
}

}  // namespace burrow::dns
