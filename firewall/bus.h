// The system's message bus (D-Bus), by libdbus: one private connection whose every wait ends at a
// deadline. Calls and signals as values; knows no service.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

struct DBusConnection;
struct DBusMessage;

namespace burrow::firewall {

/// When what is waited for counts as failed.
using Deadline = std::chrono::steady_clock::time_point;

/// Where the system's bus listens.
inline constexpr const char* kSystemBus = "/run/dbus/system_bus_socket";

struct BusMessageDeleter {
  void operator()(DBusMessage* message) const;
};
using BusMessagePointer = std::unique_ptr<DBusMessage, BusMessageDeleter>;

/// The answer to a call. Reading it as another shape than it has is Errc::corrupt.
class BusReply {
 public:
  explicit BusReply(BusMessagePointer message) : message_(std::move(message)) {}
  /// A string, also one in a variant.
  [[nodiscard]] Result<std::string> text() const;
  [[nodiscard]] Result<std::vector<std::string>> texts() const;
  /// Rows of strings: "aas" or "a(s...)".
  [[nodiscard]] Result<std::vector<std::vector<std::string>>> rows() const;
  /// The keys of a dictionary, whatever is under them.
  [[nodiscard]] Result<std::vector<std::string>> keys() const;
  /// The strings in the list that a dictionary of variants has under `key`; none without such a
  /// key.
  [[nodiscard]] Result<std::vector<std::string>> texts_at(std::string_view key) const;

 private:
  BusMessagePointer message_;
};

/// A dictionary of variants with one list of strings in it ("a{sv}"): as settings are given.
struct BusSetting {
  std::string key;
  std::vector<std::string> texts;
};

/// Whom and what to call.
struct BusCall {
  std::string destination;
  std::string path;
  std::string interface;
  std::string method;
  std::vector<std::string> arguments = {};
  std::optional<BusSetting> setting = {};  ///< behind them
};

/// A signal, with the strings that it carries.
struct BusSignal {
  std::string sender;  ///< unique name
  std::string interface;
  std::string member;
  std::vector<std::string> texts;
};

/// A connection of our own. Movable; closes itself.
class Bus {
 public:
  /// Connects to the bus that listens at `path`. Errors: not_found when none does, timeout,
  /// permission, system.
  static Result<Bus> open(Deadline deadline, const char* path = kSystemBus);

  /// Calls and waits; starts no service that does not run. Errors: `not_found` when nobody has the
  /// name, timeout, permission, unsupported for methods and properties that are not there, changed
  /// when the other end went away before it answered, invalid_input for strings that are no UTF-8.
  /// What a service itself answers as its error is Errc::system, and `Error::message` begins with
  /// the service's words.
  Result<BusReply> call(const BusCall& call, Deadline deadline);

  /// Has signals that fit `rule` sent here (Message Bus, Match Rules). Errors: as of call.
  Result<void> subscribe(const std::string& rule, Deadline deadline);
  /// The next signal that has come, without waiting; nothing when there is none. Errors: changed
  /// when the bus has gone.
  Result<std::optional<BusSignal>> next_signal();
  /// Readable when there may be a signal; for poll, and the connection's own.
  [[nodiscard]] int descriptor() const;

 private:
  struct Closer {
    void operator()(DBusConnection* connection) const;
  };
  using Pointer = std::unique_ptr<DBusConnection, Closer>;
  explicit Bus(Pointer connection) : connection_(std::move(connection)) {}

  Pointer connection_;
  std::deque<BusSignal> signals_;  // that came while an answer was waited for
};

}  // namespace burrow::firewall
