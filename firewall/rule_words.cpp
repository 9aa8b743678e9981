#include "firewall/rule_words.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "core/ip.h"

namespace burrow::firewall {
namespace {

using Bytes = std::span<const uint8_t>;

/// How the bytes of a register read.
enum class Reading : uint8_t {
  number,
  host_number,
  address,
  link,
  protocol,
  family,
  state,
  status,
  route_type
};

struct Load {
  std::string name;
  Reading reading = Reading::number;
};

struct BitName {
  uint32_t bit;
  std::string_view name;
};
constexpr std::array<BitName, 5> kStates{
    {{1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {64, "untracked"}}};
constexpr std::array<BitName, 2> kStatus{{{IPS_SRC_NAT, "snat"}, {IPS_DST_NAT, "dnat"}}};

uint64_t number_of(Bytes bytes) {
  uint64_t value = 0;
  for (const auto byte : bytes.first(std::min<size_t>(bytes.size(), 8))) value = value << 8U | byte;
  return value;
}

uint32_t host_number(Bytes bytes) {
  uint32_t value = 0;
  if (bytes.size() >= sizeof value)
    std::memcpy(&value, bytes.data(), sizeof value);
  else if (!bytes.empty())
    value = bytes.front();
  return value;
}

std::string bits(uint32_t value, std::span<const BitName> names) {
  std::string text;
  for (const auto& one : names) {
    if ((value & one.bit) == 0) continue;
    if (!text.empty()) text += ',';
    text += one.name;
  }
  return text.empty() ? fmt::format("0x{:x}", value) : text;
}

std::string protocol_word(uint64_t number) {
  switch (number) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "icmpv6";
    case IPPROTO_SCTP:
      return "sctp";
    default:
      return fmt::format("{}", number);
  }
}

std::string value_words(Reading reading, Bytes bytes) {
  switch (reading) {
    case Reading::address:
      if (bytes.size() == 4 || bytes.size() == 16) return IpAddress::from_bytes(bytes).to_string();
      if (bytes.size() < 4) {  // a prefix that ends at a byte
        std::vector<uint8_t> padded(bytes.begin(), bytes.end());
        padded.resize(4);
        return fmt::format("{}/{}", IpAddress::from_bytes(padded).to_string(), 8 * bytes.size());
      }
      break;
    case Reading::link: {
      const std::string name{bytes.begin(), std::ranges::find(bytes, uint8_t{0})};
      return fmt::format("\"{}\"", name);
    }
    case Reading::protocol:
      return protocol_word(number_of(bytes));
    case Reading::family:
      return bytes.empty() || bytes.front() == NFPROTO_IPV4 ? "ipv4" : "ipv6";
    case Reading::state:
      return bits(host_number(bytes), kStates);
    case Reading::status:
      return bits(host_number(bytes), kStatus);
    case Reading::route_type:
      return host_number(bytes) == RTN_LOCAL ? "local" : fmt::format("type {}", host_number(bytes));
    case Reading::host_number:
      return fmt::format("{}", host_number(bytes));
    case Reading::number:
      break;
  }
  if (bytes.size() <= 8) return fmt::format("{}", number_of(bytes));
  std::string text = "0x";
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string text(const nftnl_expr* expression, uint16_t attribute) {
  const char* bytes = nftnl_expr_get_str(expression, attribute);
  return bytes == nullptr ? "" : bytes;
}

uint32_t number(const nftnl_expr* expression, uint16_t attribute) {
  return nftnl_expr_is_set(expression, attribute) ? nftnl_expr_get_u32(expression, attribute) : 0;
}

Bytes bytes_of(const nftnl_expr* expression, uint16_t attribute) {
  uint32_t size = 0;
  const void* start = nftnl_expr_get(expression, attribute, &size);
  if (start == nullptr) return {};
  return {static_cast<const uint8_t*>(start), size};
}

// Registers of 16 bytes are four of those of 4 bytes.
uint32_t slot(uint32_t given) {
  return given >= NFT_REG32_00     ? given - NFT_REG32_00
         : given > NFT_REG_VERDICT ? 4 * (given - 1)
                                   : 0;
}

Load meta_load(uint32_t key) {
  switch (key) {
    case NFT_META_IIFNAME:
      return {"iifname", Reading::link};
    case NFT_META_OIFNAME:
      return {"oifname", Reading::link};
    case NFT_META_SDIFNAME:
      return {"sdifname", Reading::link};
    case NFT_META_IIF:
      return {"iif", Reading::host_number};
    case NFT_META_OIF:
      return {"oif", Reading::host_number};
    case NFT_META_L4PROTO:
      return {"protocol", Reading::protocol};
    case NFT_META_NFPROTO:
      return {"family", Reading::family};
    case NFT_META_MARK:
      return {"mark", Reading::host_number};
    case NFT_META_SKUID:
      return {"user", Reading::host_number};
    default:
      return {fmt::format("meta {}", key), Reading::host_number};
  }
}

Load payload_load(uint32_t base, uint32_t offset, uint32_t length) {
  if (base == NFT_PAYLOAD_NETWORK_HEADER) {
    if (offset == 12 && length <= 4) return {"source", Reading::address};
    if (offset == 16 && length <= 4) return {"destination", Reading::address};
    if (offset == 8 && length == 16) return {"source", Reading::address};
    if (offset == 24 && (length == 16 || length == 1))
      return {"destination", length == 16 ? Reading::address : Reading::number};
    if (offset == 9 && length == 1) return {"protocol", Reading::protocol};
  }
  if (base == NFT_PAYLOAD_TRANSPORT_HEADER && length == 2) {
    if (offset == 0) return {"source port", Reading::number};
    if (offset == 2) return {"port", Reading::number};
  }
  return {fmt::format("bytes {}+{} of header {}", offset, length, base), Reading::number};
}

class Speaker {
 public:
  std::string say(const nftnl_rule* rule) {
    auto* all = nftnl_expr_iter_create(rule);
    while (all != nullptr) {
      const auto* expression = nftnl_expr_iter_next(all);
      if (expression == nullptr) break;
      take(expression);
    }
    if (all != nullptr) nftnl_expr_iter_destroy(all);
    auto result = fmt::format("{}", fmt::join(words_, ", "));
    std::ranges::replace_if(
        result, [](unsigned char byte) { return byte < ' ' || byte >= 0x7f; }, '?');
    return result;
  }

 private:
  void load(uint32_t at, Load what) {
    masks_.erase(slot(at));
    loads_[slot(at)] = std::move(what);
  }
  Load loaded(uint32_t at) const {
    const auto found = loads_.find(slot(at));
    return found == loads_.end() ? Load{"register"} : found->second;
  }

  // All that was loaded from a register on: what a concatenation consists of.
  std::string key_words(uint32_t at) const {
    std::string key;
    for (auto part = loads_.lower_bound(slot(at)); part != loads_.end(); ++part) {
      key += fmt::format("{}{}", key.empty() ? "" : " . ", part->second.name);
    }
    return key;
  }

  void compare(const nftnl_expr* expression) {
    const auto at = number(expression, NFTNL_EXPR_CMP_SREG);
    const auto what = loaded(at);
    const auto value = bytes_of(expression, NFTNL_EXPR_CMP_DATA);
    const auto operation = number(expression, NFTNL_EXPR_CMP_OP);
    const auto mask = masks_.find(slot(at));
    const bool is_zero = std::ranges::all_of(value, [](uint8_t byte) { return byte == 0; });
    if (mask != masks_.end() && is_zero) {  // whether any of the masked bits is set
      words_.push_back(fmt::format("{} {}{}", what.name, operation == NFT_CMP_EQ ? "not " : "",
                                   value_words(what.reading, mask->second)));
    } else if (mask != masks_.end() && what.reading == Reading::address) {
      size_t length = 0;
      for (auto byte : mask->second) {
        for (; (byte & 0x80U) != 0; byte = static_cast<uint8_t>(byte << 1U)) ++length;
      }
      words_.push_back(fmt::format("{} {}{}/{}", what.name, operation == NFT_CMP_EQ ? "" : "not ",
                                   value_words(what.reading, value), length));
    } else {
      constexpr std::array<std::string_view, 6> kOperations{"", "not ", "< ", "<= ", "> ", ">= "};
      words_.push_back(fmt::format("{} {}{}", what.name,
                                   operation < kOperations.size() ? kOperations.at(operation) : "?",
                                   value_words(what.reading, value)));
    }
    loads_.clear();
    masks_.clear();
  }

  void look_up(const nftnl_expr* expression) {
    const auto flags = number(expression, NFTNL_EXPR_LOOKUP_FLAGS);
    const auto key = key_words(number(expression, NFTNL_EXPR_LOOKUP_SREG));
    words_.push_back(fmt::format("{} {}@{}", key,
                                 (flags & NFT_LOOKUP_F_INV) != 0 ? "not in " : "in ",
                                 text(expression, NFTNL_EXPR_LOOKUP_SET)));
    loads_.clear();
    masks_.clear();
  }

  void decide(const nftnl_expr* expression) {
    if (!nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT)) return;
    const auto chain = text(expression, NFTNL_EXPR_IMM_CHAIN);
    switch (static_cast<int32_t>(number(expression, NFTNL_EXPR_IMM_VERDICT))) {
      case NF_ACCEPT:
        words_.emplace_back("accept");
        break;
      case NF_DROP:
        words_.emplace_back("drop");
        break;
      case NFT_JUMP:
        words_.push_back(fmt::format("jump {}", chain));
        break;
      case NFT_GOTO:
        words_.push_back(fmt::format("goto {}", chain));
        break;
      case NFT_RETURN:
        words_.emplace_back("return");
        break;
      default:
        words_.emplace_back("continue");
        break;
    }
  }

  void take(const nftnl_expr* expression) {
    const auto kind = text(expression, NFTNL_EXPR_NAME);
    if (kind == "meta" && nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG)) {
      load(number(expression, NFTNL_EXPR_META_DREG),
           meta_load(number(expression, NFTNL_EXPR_META_KEY)));
    } else if (kind == "payload" && nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_DREG)) {
      load(number(expression, NFTNL_EXPR_PAYLOAD_DREG),
           payload_load(number(expression, NFTNL_EXPR_PAYLOAD_BASE),
                        number(expression, NFTNL_EXPR_PAYLOAD_OFFSET),
                        number(expression, NFTNL_EXPR_PAYLOAD_LEN)));
    } else if (kind == "ct" && nftnl_expr_is_set(expression, NFTNL_EXPR_CT_DREG)) {
      const auto key = number(expression, NFTNL_EXPR_CT_KEY);
      load(number(expression, NFTNL_EXPR_CT_DREG),
           key == NFT_CT_STATE    ? Load{"connection", Reading::state}
           : key == NFT_CT_STATUS ? Load{"translation", Reading::status}
                                  : Load{fmt::format("ct {}", key), Reading::host_number});
    } else if (kind == "fib" && nftnl_expr_is_set(expression, NFTNL_EXPR_FIB_DREG)) {
      const bool is_source = (number(expression, NFTNL_EXPR_FIB_FLAGS) & NFTA_FIB_F_SADDR) != 0;
      load(number(expression, NFTNL_EXPR_FIB_DREG),
           {is_source ? "source is" : "destination is", Reading::route_type});
    } else if (kind == "bitwise") {
      const auto mask = bytes_of(expression, NFTNL_EXPR_BITWISE_MASK);
      masks_[slot(number(expression, NFTNL_EXPR_BITWISE_DREG))] = {mask.begin(), mask.end()};
    } else if (kind == "cmp") {
      compare(expression);
    } else if (kind == "lookup") {
      look_up(expression);
    } else if (kind == "immediate") {
      decide(expression);
    } else if (kind == "nat") {
      const bool is_source = number(expression, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_SNAT;
      words_.emplace_back(is_source ? "translate the source" : "translate the destination");
    } else if (kind == "masq") {
      words_.emplace_back("masquerade");
    } else if (kind == "redir") {
      words_.emplace_back("redirect to this host");
    } else if (kind != "counter") {
      words_.push_back(kind == "reject" || kind == "log" ? kind : fmt::format("({})", kind));
    }
  }

  std::vector<std::string> words_;
  std::map<uint32_t, Load> loads_;
  std::map<uint32_t, std::vector<uint8_t>> masks_;
};

}  // namespace

std::string rule_words(const nftnl_rule* rule) { return Speaker{}.say(rule); }

}  // namespace burrow::firewall
