#include "firewall/bus.h"

#include <dbus/dbus.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "firewall/bus_values.h"
#include "host/fd.h"

// The archive of libdbus asks libsystemd, of which there is no archive, for the sockets of a
// *server* that systemd starts. We are none. (Here, so that it is found wherever libdbus is
// linked.)
extern "C" {
int sd_listen_fds(int /*unset_environment*/) { return 0; }
int sd_is_socket(int /*descriptor*/, int /*family*/, int /*type*/, int /*is_listening*/) {
  return 0;
}
}  // extern "C"

namespace burrow::firewall {
namespace {

constexpr const char* kBusName = DBUS_SERVICE_DBUS;
// What a firewall with thousands of rules answers is far below.
constexpr long kLargestMessage = 16L << 20U;

// DBusError cleans up after itself.
class BusError {
 public:
  BusError() { dbus_error_init(&error_); }
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { dbus_error_free(&error_); }
  DBusError* get() { return &error_; }
  [[nodiscard]] bool is(const char* name) const { return dbus_error_has_name(&error_, name) != 0; }
  [[nodiscard]] std::string message() const {
    return error_.message == nullptr ? "no reason given" : error_.message;
  }

 private:
  DBusError error_ = DBUS_ERROR_INIT;
};

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 1, 3'600'000));
}

bool is_over(Deadline deadline) { return std::chrono::steady_clock::now() >= deadline; }

Errc code_of(const BusError& error) {
  constexpr std::array absent{DBUS_ERROR_SERVICE_UNKNOWN, DBUS_ERROR_NAME_HAS_NO_OWNER,
                              DBUS_ERROR_FILE_NOT_FOUND, DBUS_ERROR_NO_SERVER};
  constexpr std::array late{DBUS_ERROR_TIMEOUT, DBUS_ERROR_TIMED_OUT};
  constexpr std::array refused{DBUS_ERROR_ACCESS_DENIED, DBUS_ERROR_AUTH_FAILED,
                               DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED};
  constexpr std::array unknown{DBUS_ERROR_UNKNOWN_METHOD, DBUS_ERROR_UNKNOWN_INTERFACE,
                               DBUS_ERROR_UNKNOWN_OBJECT, DBUS_ERROR_UNKNOWN_PROPERTY,
                               DBUS_ERROR_INVALID_ARGS};
  const auto is_one_of = [&](const auto& names) {
    return std::ranges::any_of(names, [&](const char* name) { return error.is(name); });
  };
  if (is_one_of(absent)) return Errc::not_found;
  if (is_one_of(late)) return Errc::timeout;
  // Of a bus this says that who was asked has left it.
  if (error.is(DBUS_ERROR_NO_REPLY) || error.is(DBUS_ERROR_DISCONNECTED)) return Errc::changed;
  if (is_one_of(refused)) return Errc::permission;
  if (is_one_of(unknown)) return Errc::unsupported;
  return Errc::system;
}

Failure too_late() { return fail(Errc::timeout, "no answer in time"); }

Failure failure_of(const BusError& error) {
  const auto code = code_of(error);
  if (code == Errc::timeout) return too_late();
  if (code == Errc::changed) return fail(code, "it went away before it answered");
  return Failure{Error{code, error.message()}};
}

// Whether somebody listens and takes connections. The library connects by a call that would wait
// for ever on a bus that hangs and whose queue is full.
Result<void> knock(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    return fail(Errc::invalid_input, "path of the message bus is too long: \"{}\"", path);
  }
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const host::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.is_open()) return system_failure(errno, "socket");
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the kernel takes addresses
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return {};
  }
  if (errno == ENOENT || errno == ECONNREFUSED) {
    return fail(Errc::not_found, "no message bus at \"{}\"", path);
  }
  if (errno == EAGAIN) return fail(Errc::timeout, "the message bus takes no connections");
  return system_failure(errno, fmt::format("connect to \"{}\"", path));
}

Result<BusMessagePointer> make_call(const BusCall& call) {
  BusMessagePointer message{dbus_message_new_method_call(
      call.destination.c_str(), call.path.c_str(), call.interface.c_str(), call.method.c_str())};
  if (!message) return fail(Errc::exhausted, "no memory for a message");
  dbus_message_set_auto_start(message.get(), FALSE);
  TRY_VOID(append_arguments(*message, call.arguments));
  if (call.setting) TRY_VOID(append_setting(*message, *call.setting));
  return message;
}

BusCall to_bus(const char* method, std::vector<std::string> arguments = {}) {
  return {kBusName, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, method, std::move(arguments)};
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

BusSignal to_signal(DBusMessage& message) {
  return {.sender = text_or_empty(dbus_message_get_sender(&message)),
          .interface = text_or_empty(dbus_message_get_interface(&message)),
          .member = text_or_empty(dbus_message_get_member(&message)),
          .texts = leading_texts(message)};
}

bool is_end(DBusMessage& message) {
  return dbus_message_is_signal(&message, DBUS_INTERFACE_LOCAL, "Disconnected") != 0;
}

Failure bus_gone() { return fail(Errc::changed, "the message bus has gone"); }

}  // namespace

void BusMessageDeleter::operator()(DBusMessage* message) const { dbus_message_unref(message); }

void Bus::Closer::operator()(DBusConnection* connection) const {
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
}

Result<Bus> Bus::open(Deadline deadline, const char* path) {
  TRY_VOID(knock(path));
  const std::unique_ptr<char, void (*)(void*)> escaped{dbus_address_escape_value(path), dbus_free};
  if (!escaped) return fail(Errc::exhausted, "no memory for an address");
  BusError error;
  Pointer connection{dbus_connection_open_private(
      fmt::format("unix:path={}", escaped.get()).c_str(), error.get())};
  if (!connection) return failure_of(error);
  dbus_connection_set_exit_on_disconnect(connection.get(), FALSE);
  dbus_connection_set_max_message_size(connection.get(), kLargestMessage);
  Bus bus{std::move(connection)};
  const auto name = TRY(TRY(bus.call(to_bus("Hello"), deadline)).text());
  if (dbus_bus_set_unique_name(bus.connection_.get(), name.c_str()) == 0) {
    return fail(Errc::exhausted, "no memory for a name");
  }
  return bus;
}

// By hand, since the library's own call that waits waits for ever while a bus takes nothing.
Result<BusReply> Bus::call(const BusCall& call, Deadline deadline) {
  const auto message = TRY(make_call(call));
  dbus_uint32_t serial = 0;
  if (dbus_connection_send(connection_.get(), message.get(), &serial) == 0) {
    return fail(Errc::exhausted, "no memory for a message");
  }
  for (bool is_alive = true;;) {
    while (BusMessagePointer come{dbus_connection_pop_message(connection_.get())}) {
      if (is_end(*come)) return bus_gone();
      if (dbus_message_get_type(come.get()) == DBUS_MESSAGE_TYPE_SIGNAL) {
        signals_.push_back(to_signal(*come));
      } else if (dbus_message_get_reply_serial(come.get()) == serial) {
        BusError error;
        if (dbus_set_error_from_message(error.get(), come.get()) != 0) return failure_of(error);
        return BusReply{std::move(come)};
      }
    }
    if (!is_alive) return bus_gone();
    if (is_over(deadline)) return too_late();
    is_alive = dbus_connection_read_write(connection_.get(), milliseconds_until(deadline)) != 0;
  }
}

Result<void> Bus::subscribe(const std::string& rule, Deadline deadline) {
  TRY(call(to_bus("AddMatch", {rule}), deadline));
  return {};
}

Result<std::optional<BusSignal>> Bus::next_signal() {
  const bool is_alive = dbus_connection_read_write(connection_.get(), 0) != 0;
  while (const BusMessagePointer come{dbus_connection_pop_message(connection_.get())}) {
    if (is_end(*come)) return bus_gone();
    if (dbus_message_get_type(come.get()) == DBUS_MESSAGE_TYPE_SIGNAL) {
      signals_.push_back(to_signal(*come));
    }
  }
  if (!signals_.empty()) {
    auto first = std::move(signals_.front());
    signals_.pop_front();
    return first;
  }
  if (!is_alive) return bus_gone();
  return std::nullopt;
}

int Bus::descriptor() const {
  int descriptor = -1;
  dbus_connection_get_unix_fd(connection_.get(), &descriptor);
  return descriptor;
}

}  // namespace burrow::firewall
