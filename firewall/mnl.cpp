// The part of libmnl that libnftnl and this folder use: attributes and headers of netlink, built
// and walked. Debian ships libmnl as a shared library alone, and a program that loads one takes
// half as long again to start (docs/decisions/0010-static-netstack.md). Its header is the contract;
// tests/unit/firewall/mnl_test.cpp holds every function against the library itself.
#include <libmnl/libmnl.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace {

constexpr size_t aligned(size_t size) { return MNL_ALIGN(size); }

// NLA_HDRLEN without its cast to int.
constexpr size_t kAttributeHeader = aligned(sizeof(nlattr));
constexpr size_t kMessageHeader = aligned(sizeof(nlmsghdr));

// What follows `size` bytes behind `start`. Messages are plain bytes of an alignment of four.
template <typename T>
T* behind(const void* start, size_t size) {
  const auto* bytes = static_cast<const char*>(start) + size;
  return reinterpret_cast<T*>(const_cast<char*>(bytes));
}

template <typename T>
T payload_of(const nlattr* attribute) {
  T value{};
  std::memcpy(&value, behind<const char>(attribute, kAttributeHeader), sizeof(value));
  return value;
}

nlattr* tail_of(nlmsghdr* message) { return behind<nlattr>(message, aligned(message->nlmsg_len)); }

void grow(nlmsghdr* message, size_t size) {
  message->nlmsg_len = static_cast<uint32_t>(aligned(message->nlmsg_len) + aligned(size));
}

int refuse(int code) {
  errno = code;
  return -1;
}

// What a payload of a type measures; 0: any size will do.
constexpr std::array<size_t, MNL_TYPE_MAX> kSizes = [] {
  std::array<size_t, MNL_TYPE_MAX> sizes{};
  sizes[MNL_TYPE_U8] = sizeof(uint8_t);
  sizes[MNL_TYPE_U16] = sizeof(uint16_t);
  sizes[MNL_TYPE_U32] = sizeof(uint32_t);
  sizes[MNL_TYPE_U64] = sizeof(uint64_t);
  sizes[MNL_TYPE_MSECS] = sizeof(uint64_t);
  return sizes;
}();

}  // namespace

extern "C" {

nlmsghdr* mnl_nlmsg_put_header(void* buffer) {
  std::memset(buffer, 0, kMessageHeader);
  auto* message = static_cast<nlmsghdr*>(buffer);
  message->nlmsg_len = kMessageHeader;
  return message;
}

void* mnl_nlmsg_put_extra_header(nlmsghdr* message, size_t size) {
  auto* header = behind<char>(message, message->nlmsg_len);
  std::memset(header, 0, aligned(size));
  message->nlmsg_len += static_cast<uint32_t>(aligned(size));
  return header;
}

void* mnl_nlmsg_get_payload(const nlmsghdr* message) {
  return behind<char>(message, kMessageHeader);
}

size_t mnl_nlmsg_get_payload_len(const nlmsghdr* message) {
  return message->nlmsg_len - kMessageHeader;
}

bool mnl_nlmsg_ok(const nlmsghdr* message, int left) {
  return left >= static_cast<int>(sizeof(nlmsghdr)) && message->nlmsg_len >= sizeof(nlmsghdr) &&
         static_cast<int64_t>(message->nlmsg_len) <= left;
}

nlmsghdr* mnl_nlmsg_next(const nlmsghdr* message, int* left) {
  const auto size = aligned(message->nlmsg_len);
  *left -= static_cast<int>(size);
  return behind<nlmsghdr>(message, size);
}

uint16_t mnl_attr_get_type(const nlattr* attribute) { return attribute->nla_type & NLA_TYPE_MASK; }

uint16_t mnl_attr_get_payload_len(const nlattr* attribute) {
  return static_cast<uint16_t>(attribute->nla_len - kAttributeHeader);
}

void* mnl_attr_get_payload(const nlattr* attribute) {
  return behind<char>(attribute, kAttributeHeader);
}

uint8_t mnl_attr_get_u8(const nlattr* attribute) { return payload_of<uint8_t>(attribute); }
uint16_t mnl_attr_get_u16(const nlattr* attribute) { return payload_of<uint16_t>(attribute); }
uint32_t mnl_attr_get_u32(const nlattr* attribute) { return payload_of<uint32_t>(attribute); }
uint64_t mnl_attr_get_u64(const nlattr* attribute) { return payload_of<uint64_t>(attribute); }

const char* mnl_attr_get_str(const nlattr* attribute) {
  return behind<const char>(attribute, kAttributeHeader);
}

bool mnl_attr_ok(const nlattr* attribute, int left) {
  return left >= static_cast<int>(sizeof(nlattr)) && attribute->nla_len >= sizeof(nlattr) &&
         static_cast<int>(attribute->nla_len) <= left;
}

nlattr* mnl_attr_next(const nlattr* attribute) {
  return behind<nlattr>(attribute, aligned(attribute->nla_len));
}

int mnl_attr_type_valid(const nlattr* attribute, uint16_t most) {
  return mnl_attr_get_type(attribute) > most ? refuse(EOPNOTSUPP) : 1;
}

int mnl_attr_validate(const nlattr* attribute, mnl_attr_data_type type) {
  if (type < MNL_TYPE_UNSPEC || type >= MNL_TYPE_MAX) return refuse(EINVAL);
  const size_t size = mnl_attr_get_payload_len(attribute);
  if (kSizes.at(type) != 0 && size != kSizes.at(type)) return refuse(ERANGE);
  switch (type) {
    case MNL_TYPE_FLAG:
      return size > 0 ? refuse(ERANGE) : 0;
    case MNL_TYPE_NUL_STRING:
      if (size == 0) return refuse(ERANGE);
      return mnl_attr_get_str(attribute)[size - 1] != '\0' ? refuse(EINVAL) : 0;
    case MNL_TYPE_STRING:
      return size == 0 ? refuse(ERANGE) : 0;
    case MNL_TYPE_NESTED:
      return size > 0 && size < kAttributeHeader ? refuse(ERANGE) : 0;
    default:
      return 0;
  }
}

int mnl_attr_parse_payload(const void* payload, size_t size, mnl_attr_cb_t visit, void* data) {
  int outcome = MNL_CB_OK;
  const auto* end = static_cast<const char*>(payload) + size;
  for (const auto* attribute = static_cast<const nlattr*>(payload);
       mnl_attr_ok(attribute, static_cast<int>(end - behind<const char>(attribute, 0)));
       attribute = mnl_attr_next(attribute)) {
    outcome = visit(attribute, data);
    if (outcome <= MNL_CB_STOP) return outcome;
  }
  return outcome;
}

int mnl_attr_parse(const nlmsghdr* message, unsigned offset, mnl_attr_cb_t visit, void* data) {
  const auto* start = behind<const char>(message, kMessageHeader + aligned(offset));
  const auto* end = behind<const char>(message, aligned(message->nlmsg_len));
  if (start >= end) return MNL_CB_OK;
  return mnl_attr_parse_payload(start, static_cast<size_t>(end - start), visit, data);
}

int mnl_attr_parse_nested(const nlattr* nested, mnl_attr_cb_t visit, void* data) {
  return mnl_attr_parse_payload(mnl_attr_get_payload(nested), mnl_attr_get_payload_len(nested),
                                visit, data);
}

void mnl_attr_put(nlmsghdr* message, uint16_t type, size_t size, const void* data) {
  auto* attribute = tail_of(message);
  attribute->nla_type = type;
  attribute->nla_len = static_cast<uint16_t>(kAttributeHeader + size);
  auto* payload = behind<char>(attribute, kAttributeHeader);
  if (size > 0) std::memcpy(payload, data, size);
  std::memset(payload + size, 0, aligned(size) - size);
  grow(message, kAttributeHeader + size);
}

void mnl_attr_put_u8(nlmsghdr* message, uint16_t type, uint8_t value) {
  mnl_attr_put(message, type, sizeof(value), &value);
}

void mnl_attr_put_u16(nlmsghdr* message, uint16_t type, uint16_t value) {
  mnl_attr_put(message, type, sizeof(value), &value);
}

void mnl_attr_put_u32(nlmsghdr* message, uint16_t type, uint32_t value) {
  mnl_attr_put(message, type, sizeof(value), &value);
}

void mnl_attr_put_u64(nlmsghdr* message, uint16_t type, uint64_t value) {
  mnl_attr_put(message, type, sizeof(value), &value);
}

void mnl_attr_put_str(nlmsghdr* message, uint16_t type, const char* text) {
  mnl_attr_put(message, type, std::strlen(text), text);
}

void mnl_attr_put_strz(nlmsghdr* message, uint16_t type, const char* text) {
  mnl_attr_put(message, type, std::strlen(text) + 1, text);
}

nlattr* mnl_attr_nest_start(nlmsghdr* message, uint16_t type) {
  auto* attribute = tail_of(message);
  attribute->nla_type = static_cast<uint16_t>(NLA_F_NESTED | type);
  grow(message, kAttributeHeader);
  return attribute;
}

void mnl_attr_nest_end(nlmsghdr* message, nlattr* start) {
  const auto* end = behind<const char>(message, aligned(message->nlmsg_len));
  start->nla_len = static_cast<uint16_t>(end - behind<const char>(start, 0));
}

}  // extern "C"
