#include "dns/control.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/json.h"
#include "core/log.h"
#include "dns/socket.h"
#include "dns/trial.h"
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
                      {"named_lists", refreshed.named_lists},
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
              [this](std::string_view request, const Peer& peer) { on_request(request, peer); }) {}

void ControlSocket::remove() {
  if (inode_of(path_) != inode_) return;
  if (const auto removed = host::remove_file(path_); !removed) {
    log::warn("dns", "{}", removed.error().message);
  }
}

void ControlSocket::on_request(std::string_view request, const Peer& peer) {
  const auto space = std::min(request.find(' '), request.size());
  const auto command = request.substr(0, space);
  const auto words = request.substr(std::min(space + 1, request.size()));
  const auto answer = [&](std::string_view text) {
    peer->say(text);
    peer->finish();
  };
  if (command == "query") {
    const auto trial = parse_trial(words);
    if (!trial) return answer(line_of(trial.error()));
    return run_trial(*trial, actions_.authority, [peer](const std::string& document) {
      peer->say(document);
      peer->finish();
    });
  }
  if (command == "names") return answer(names_document(*actions_.authority.zones, words));
  if (words.empty()) {
    if (command == "refresh") return refresh(peer);
    if (command == "renew") {
      const auto renewed = actions_.renew();
      return answer(renewed ? line_of(Json{{"renewed", *renewed}}) : line_of(renewed.error()));
    }
    if (command == "status") return answer(status_document(actions_.inspect()));
    if (command == "metrics") return answer(metrics_text(actions_.inspect()));
    if (command == "log") return listen(peer);
  }
  answer(line_of(
      Error{Errc::invalid_input, fmt::format("unknown command \"{}\"", request.substr(0, 64))}));
}

void ControlSocket::refresh(const Peer& peer) {
  const auto refreshed = actions_.refresh();
  peer->say(refreshed ? line_of(*refreshed) : line_of(refreshed.error()));
  // The end of the daemon is the end of this conversation: whoever waits for it knows both.
  if (refreshed && refreshed->networks == 0) return;
  peer->finish();
}

void ControlSocket::listen(const Peer& peer) {
  peer->on_end([this, gone = peer.get()] {
    actions_.listeners.remove(gone);
    if (actions_.listeners.is_empty()) actions_.on_listeners();
  });
  actions_.listeners.add(peer);
  actions_.on_listeners();
  peer->say(line_of(Json{{"listening", true}}));
}

std::unique_ptr<ControlServer> open_metrics(EventLoop& loop, const IpAddress& address,
                                            uint16_t port, std::function<Inspected()> inspect) {
  auto sockets = listen_tcp(address, port, 1);
  if (!sockets) {
    log::warn("dns", "no metrics: {}", sockets.error().message);
    return nullptr;
  }
  return std::make_unique<ControlServer>(
      loop, std::move((*sockets)[0]), Framing::http,
      [inspect = std::move(inspect)](std::string_view request,
                                     const std::shared_ptr<Conversation>& peer) {
        const bool is_known =
            request.starts_with("GET /metrics ") || request.starts_with("GET /metrics?");
        const auto body = is_known ? metrics_text(inspect()) : std::string{"see /metrics\n"};
        peer->say(
            fmt::format("HTTP/1.1 {}\r\n"
                        "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                        "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                        is_known ? "200 OK" : "404 Not Found", body.size(), body));
        peer->finish();
      });
}

}  // namespace burrow::dns
