#include "firewall/replies.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "firewall/bound.h"
#include "firewall/fields.h"
#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/nftnl.h"
#include "firewall/rule_mark.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

bool is_type(const nlmsghdr& message, int type) { return message.nlmsg_type == message_type(type); }

std::string read_user_data(std::span<const uint8_t> bytes, uint8_t type) {
  while (bytes.size() >= 2 && bytes.size() >= 2U + bytes[1]) {
    const auto value = bytes.subspan(2, bytes[1]);
    if (bytes[0] == type) {
      return {value.begin(), std::ranges::find(value, uint8_t{0})};
    }
    bytes = bytes.subspan(2U + bytes[1]);
  }
  return {};
}

std::span<const uint8_t> as_bytes(const void* start, uint32_t length) {
  return start == nullptr ? std::span<const uint8_t>{}
                          : std::span{static_cast<const uint8_t*>(start), length};
}

std::string as_text(std::span<const uint8_t> bytes) {
  return {bytes.begin(), std::ranges::find(bytes, uint8_t{0})};
}

uint8_t family_of(const nlmsghdr& message) {
  return static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message))->nfgen_family;
}

bool is_our_table(const char* name) { return name != nullptr && name == kTableName; }

// Comments of elements that others made may hold anything; ours are plain.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char byte) { return byte < ' ' || byte >= 0x7f; }, '?');
  return text;
}

std::optional<std::vector<Field>> bound_of(const SetShape& shape,
                                           const std::optional<Field>& found) {
  if (!found) return std::nullopt;
  const bool is_rate = std::holds_alternative<Rate>(*found);
  if (is_rate != (shape.value[0] == FieldType::rate)) return std::nullopt;
  return std::vector{*found};
}

}  // namespace

std::optional<uint32_t> read_generation(const nlmsghdr& message) {
  if (!is_type(message, NFT_MSG_NEWGEN)) return std::nullopt;
  const auto bytes = find_attribute(message, sizeof(nfgenmsg), NFTA_GEN_ID);
  uint32_t generation = 0;
  if (bytes.size() < sizeof(generation)) return std::nullopt;
  std::memcpy(&generation, bytes.data(), sizeof(generation));
  return ntohl(generation);
}

std::optional<KernelRule> read_rule(const nlmsghdr& message) {
  if (!is_type(message, NFT_MSG_NEWRULE)) return std::nullopt;
  const auto attribute = [&](uint16_t type) {
    return find_attribute(message, sizeof(nfgenmsg), type);
  };
  const auto table = as_text(attribute(NFTA_RULE_TABLE));
  if (table != kTableName || family_of(message) != NFPROTO_INET) return std::nullopt;
  const auto notes = attribute(NFTA_RULE_USERDATA);
  KernelRule rule{.chain = as_text(attribute(NFTA_RULE_CHAIN)),
                  .comment = read_user_data(notes, NFTNL_UDATA_RULE_COMMENT),
                  .ordinal = decode_mark(notes)};
  const auto handle = attribute(NFTA_RULE_HANDLE);
  if (handle.size() == sizeof(rule.handle)) {
    std::memcpy(&rule.handle, handle.data(), sizeof(rule.handle));
    rule.handle = be64toh(rule.handle);
  }
  return rule;
}

std::optional<KernelChain> read_chain(const nlmsghdr& message) {
  auto name = read_chain_name(message);
  if (!name) return std::nullopt;
  const ChainPointer object{nftnl_chain_alloc()};
  if (nftnl_chain_nlmsg_parse(&message, object.get()) < 0) return std::nullopt;
  KernelChain chain{.name = *std::move(name)};
  const auto chains = all_chains();
  const auto ours = std::ranges::find(chains, std::string_view{chain.name}, &Chain::name);
  if (ours == chains.end()) return chain;
  const bool hangs = nftnl_chain_is_set(object.get(), NFTNL_CHAIN_HOOKNUM);
  if (!hangs || !ours->hook) {
    chain.is_current = hangs == ours->hook.has_value();
    return chain;
  }
  const char* type = nftnl_chain_get_str(object.get(), NFTNL_CHAIN_TYPE);
  chain.is_current = nftnl_chain_get_u32(object.get(), NFTNL_CHAIN_HOOKNUM) == ours->hook->number &&
                     nftnl_chain_get_s32(object.get(), NFTNL_CHAIN_PRIO) == ours->hook->priority &&
                     type != nullptr && ours->hook->type == type;
  return chain;
}

std::optional<std::string> read_chain_name(const nlmsghdr& message) {
  if (!is_type(message, NFT_MSG_NEWCHAIN)) return std::nullopt;
  const ChainPointer object{nftnl_chain_alloc()};
  if (nftnl_chain_nlmsg_parse(&message, object.get()) < 0) return std::nullopt;
  const char* name = nftnl_chain_get_str(object.get(), NFTNL_CHAIN_NAME);
  const bool is_inet = nftnl_chain_get_u32(object.get(), NFTNL_CHAIN_FAMILY) == NFPROTO_INET;
  if (!is_inet || name == nullptr ||
      !is_our_table(nftnl_chain_get_str(object.get(), NFTNL_CHAIN_TABLE))) {
    return std::nullopt;
  }
  return name;
}

std::optional<KernelSet> read_set(const nlmsghdr& message) {
  if (!is_type(message, NFT_MSG_NEWSET)) return std::nullopt;
  const SetPointer object{nftnl_set_alloc()};
  if (nftnl_set_nlmsg_parse(&message, object.get()) < 0) return std::nullopt;
  const char* name = nftnl_set_get_str(object.get(), NFTNL_SET_NAME);
  const bool is_inet = nftnl_set_get_u32(object.get(), NFTNL_SET_FAMILY) == NFPROTO_INET;
  if (!is_inet || name == nullptr ||
      !is_our_table(nftnl_set_get_str(object.get(), NFTNL_SET_TABLE))) {
    return std::nullopt;
  }
  KernelSet set{.name = name};
  const auto shapes = all_shapes();
  const auto shape = std::ranges::find(shapes, set.name, &SetShape::name);
  if (shape == shapes.end()) return set;
  const auto number = [&](uint16_t attribute) {
    return nftnl_set_is_set(object.get(), attribute) ? nftnl_set_get_u32(object.get(), attribute)
                                                     : 0;
  };
  set.is_current = number(NFTNL_SET_FLAGS) == set_flags(*shape) &&
                   number(NFTNL_SET_KEY_TYPE) == kernel_type(shape->key) &&
                   number(NFTNL_SET_DATA_TYPE) == kernel_type(shape->value);
  return set;
}

Result<void> ElementReader::read(const nlmsghdr& message) {
  if (!is_type(message, NFT_MSG_NEWSETELEM) && !is_type(message, NFT_MSG_DELSETELEM)) return {};
  const SetPointer object{nftnl_set_alloc()};
  if (nftnl_set_elems_nlmsg_parse(&message, object.get()) < 0) {
    return fail(Errc::corrupt, "netfilter sent elements that do not decode");
  }
  const char* name = nftnl_set_get_str(object.get(), NFTNL_SET_NAME);
  const auto shapes = all_shapes();
  const auto shape = name == nullptr
                         ? shapes.end()
                         : std::ranges::find(shapes, std::string_view{name}, &SetShape::name);
  if (shape == shapes.end()) return {};

  struct Sink {
    SetName set;
    std::vector<Raw>* raw;
  } sink{shape->set, &raw_};
  nftnl_set_elem_foreach(
      object.get(),
      [](nftnl_set_elem* element, void* opaque) {
        const auto& into = *static_cast<Sink*>(opaque);
        const auto get = [&](uint16_t attribute) {
          uint32_t length = 0;
          const void* bytes = nftnl_set_elem_get(element, attribute, &length);
          return as_bytes(bytes, bytes == nullptr ? 0 : length);
        };
        const auto copy = [&](uint16_t attribute) {
          const auto bytes = get(attribute);
          return std::vector<uint8_t>{bytes.begin(), bytes.end()};
        };
        const uint32_t flags = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS)
                                   ? nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS)
                                   : 0;
        into.raw->push_back({.set = into.set,
                             .key = copy(NFTNL_SET_ELEM_KEY),
                             .key_end = copy(NFTNL_SET_ELEM_KEY_END),
                             .value = copy(NFTNL_SET_ELEM_DATA),
                             .bound = read_bound(element),
                             .owner = printable(read_user_data(get(NFTNL_SET_ELEM_USERDATA),
                                                               NFTNL_UDATA_SET_ELEM_COMMENT)),
                             .is_interval_end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0});
        return 0;
      },
      &sink);
  return {};
}

std::vector<Element> ElementReader::take() {
  // A key that ends one interval may start the next: the end comes first.
  std::ranges::sort(raw_, [](const Raw& a, const Raw& b) {
    return std::tie(a.set, a.key, b.is_interval_end) < std::tie(b.set, b.key, a.is_interval_end);
  });
  std::vector<Element> elements;
  for (size_t i = 0; i < raw_.size(); ++i) {
    auto& raw = raw_[i];
    if (raw.is_interval_end) continue;
    const auto& shape = shape_of(raw.set);
    std::vector<uint8_t> last = raw.key_end.empty() ? raw.key : raw.key_end;
    if (shape.has_intervals() && shape.key.size() == 1) {
      const bool is_bounded =
          i + 1 < raw_.size() && raw_[i + 1].set == raw.set && raw_[i + 1].is_interval_end;
      last = is_bounded ? previous_key(raw_[i + 1].key)
                        : std::vector<uint8_t>(raw.key.size(), uint8_t{0xff});
    }
    auto key = decode_key(shape.key, {.first = raw.key, .last = last});
    auto value =
        shape.has_bound() ? bound_of(shape, raw.bound) : decode_fields(shape.value, raw.value);
    if (key && value) {
      elements.push_back({.set = raw.set,
                          .key = *std::move(key),
                          .value = *std::move(value),
                          .owner = std::move(raw.owner)});
    }
  }
  raw_.clear();
  return elements;
}

std::string_view family_word(uint32_t family) {
  switch (family) {
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_NETDEV:
      return "netdev";
    default:
      return "?";
  }
}

}  // namespace burrow::firewall
