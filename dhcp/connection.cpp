#include "dhcp/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "dhcp/protocol.h"

namespace burrow::dhcp {
namespace {

constexpr std::chrono::seconds kLongestSilence{30};

}  // namespace

Connection::Connection(host::EventLoop& loop, host::Fd fd,
                       std::function<void(std::string_view)> on_line, std::function<void()> on_end)
    : fd_(std::move(fd)),
      on_line_(std::move(on_line)),
      on_end_(std::move(on_end)),
      watch_(
          loop, fd_.get(), [this] { read(); }, [this] { write(); }),
      silence_(loop, [this] { end(); }) {
  watch_.await_readable();
  silence_.start(kLongestSilence);
}

void Connection::read() {
  std::array<char, 4096> buffer;
  const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return watch_.await_readable();
  if (size <= 0) return end();
  incoming_.append(buffer.data(), static_cast<size_t>(size));
  take_lines();
  if (has_ended_) return;
  // Also while we work for the caller: its going must be noticed.
  if (incoming_.size() > kLongestRequest) return end();
  watch_.await_readable();
}

// One command at a time: the next waits until the caller has its answer.
void Connection::take_lines() {
  while (turn_ == Turn::callers && !has_ended_) {
    const auto end_of_line = incoming_.find('\n');
    if (end_of_line == incoming_.npos) return;
    const auto line = incoming_.substr(0, end_of_line);
    incoming_.erase(0, end_of_line + 1);
    silence_.start(kLongestSilence);
    on_line_(line);
  }
}

void Connection::send(std::string line) {
  if (has_ended_) return;
  outgoing_ += std::move(line) + "\n";
  write();
}

void Connection::set_turn(Turn turn) {
  if (turn == turn_ || has_ended_) return;
  turn_ = turn;
  if (turn == Turn::ours) return silence_.stop();
  silence_.start(kLongestSilence);
  take_lines();
}

void Connection::write() {
  while (!outgoing_.empty() && !has_ended_) {
    const auto size = ::send(fd_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return watch_.await_writable();
    if (size < 0) return end();
    outgoing_.erase(0, static_cast<size_t>(size));
    if (turn_ == Turn::callers) silence_.start(kLongestSilence);
  }
}

void Connection::end() {
  if (has_ended_) return;
  has_ended_ = true;
  silence_.stop();
  on_end_();
}

}  // namespace burrow::dhcp
