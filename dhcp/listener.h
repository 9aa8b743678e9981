// The unix socket that the proxy is asked on: made, or inherited from systemd.
#pragma once

#include <filesystem>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::dhcp {

/// A listening socket. One that we made goes from the file system with this value.
class Listener {
 public:
  /// The one that systemd passes (LISTEN_FDS), if it is for us, else a new one at `path`, mode
  /// 0600. Errors: already_exists when somebody listens there, invalid_input for what was passed.
  static Result<Listener> open(const std::filesystem::path& path);
  Listener(Listener&& other) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The next connection of somebody who may ask: root or our own user. Nothing when there is none;
  /// strangers are turned away.
  [[nodiscard]] host::Fd accept() const;

 private:
  Listener(host::Fd fd, std::filesystem::path made) : fd_(std::move(fd)), made_(std::move(made)) {}
  host::Fd fd_;
  std::filesystem::path made_;  // empty: inherited
};

}  // namespace burrow::dhcp
