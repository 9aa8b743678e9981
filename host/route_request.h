// One rtnetlink message and its answers: what the files behind RouteSocket share. The only header
// that shows libnl; nothing outside of this folder includes it.
#pragma once

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "core/ip.h"
#include "core/names.h"
#include "core/result.h"

struct nl_sock;

namespace burrow::host {

/// A dump that the kernel calls inconsistent is asked again this often.
inline constexpr int kDumpAttempts = 10;

/// AF_INET or AF_INET6.
inline uint8_t kernel_family(Family family) { return family == Family::ipv4 ? AF_INET : AF_INET6; }

/// The family's own header of a message.
template <typename Header>
const Header& header_of(const nlmsghdr* message) {
  return *static_cast<const Header*>(nlmsg_data(message));
}

/// The attributes of a message by type; absent ones are null.
template <int Last>
class Attributes {
 public:
  Attributes(nlmsghdr* message, int header_size) {
    nlmsg_parse(message, header_size, table_, Last, nullptr);
  }
  explicit Attributes(nlattr* nested) {
    if (nested != nullptr) nla_parse_nested(table_, Last, nested, nullptr);
  }
  nlattr* operator[](int type) const { return table_[type]; }
  [[nodiscard]] std::optional<uint32_t> u32(int type) const {
    const nlattr* attribute = table_[type];
    if (attribute == nullptr || nla_len(attribute) < 4) return std::nullopt;
    return nla_get_u32(attribute);
  }
  [[nodiscard]] std::string text(int type) const {
    const nlattr* attribute = table_[type];
    if (attribute == nullptr) return {};
    const auto* bytes = static_cast<const char*>(nla_data(attribute));
    return {bytes, strnlen(bytes, static_cast<size_t>(nla_len(attribute)))};
  }
  [[nodiscard]] std::span<const uint8_t> bytes(int type) const {
    const nlattr* attribute = table_[type];
    if (attribute == nullptr) return {};
    return {static_cast<const uint8_t*>(nla_data(attribute)),
            static_cast<size_t>(nla_len(attribute))};
  }

 private:
  nlattr* table_[Last + 1] = {};
};

/// One message to the kernel and its answers. Attributes that do not fit are our own mistake and
/// make the message fail as a whole.
class RouteRequest {
 public:
  RouteRequest(int type, int flags)
      : message_(nlmsg_alloc_simple(type, flags)), is_whole_(message_ != nullptr) {}

  template <typename Header>
  Header& header() {
    static_assert(std::is_trivial_v<Header> && sizeof(Header) <= sizeof(spare_));
    void* place =
        is_whole_ ? nlmsg_reserve(message_.get(), sizeof(Header), NLMSG_ALIGNTO) : nullptr;
    is_whole_ &= place != nullptr;
    return *new (place != nullptr ? place : spare_) Header{};
  }
  RouteRequest& put(int type, const void* bytes, size_t size) {
    is_whole_ = is_whole_ && nla_put(message_.get(), type, static_cast<int>(size), bytes) == 0;
    return *this;
  }
  RouteRequest& put(int type, uint32_t value) { return put(type, &value, sizeof value); }
  RouteRequest& put(int type, const std::string& text) {
    return put(type, text.c_str(), text.size() + 1);
  }
  RouteRequest& put(int type, const LinkName& name) { return put(type, name.str()); }
  RouteRequest& put(int type, std::span<const uint8_t> bytes) {
    return put(type, bytes.data(), bytes.size());
  }
  /// Puts an attribute that holds what `fill` puts.
  template <typename Fill>
  RouteRequest& nest(int type, Fill fill) {
    auto* start = is_whole_ ? nla_nest_start(message_.get(), type) : nullptr;
    is_whole_ &= start != nullptr;
    fill();
    if (is_whole_) nla_nest_end(message_.get(), start);
    return *this;
  }
  /// Room for a header inside a nested attribute.
  template <typename Header>
  Header& nested_header() {
    return header<Header>();
  }

  /// Sends, and gives every answer to `on_message`, until the end or until `has_enough` says so.
  /// `what` says what was attempted.
  Result<void> send(nl_sock* socket, const std::string& what,
                    std::function<void(nlmsghdr*)> on_message = {},
                    std::function<bool()> has_enough = {});

 private:
  struct Free {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
  };
  std::unique_ptr<nl_msg, Free> message_;
  bool is_whole_;
  alignas(8) unsigned char spare_[32] = {};  // where headers go that found no room
};

}  // namespace burrow::host
