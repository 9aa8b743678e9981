// Queries and replies for the tests of dns/, written and read byte by byte and not by the code
// under test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"

namespace burrow::dns::test {

using Message = std::vector<uint8_t>;

inline void put_u16(Message& to, unsigned value) {
  to.push_back(static_cast<uint8_t>(value >> 8));
  to.push_back(static_cast<uint8_t>(value));
}

/// "a.b" with the root label; the empty text is the root.
inline void put_name(Message& to, std::string_view text) {
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    to.push_back(static_cast<uint8_t>(label.size()));
    to.insert(to.end(), label.begin(), label.end());
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  to.push_back(0);
}

constexpr uint16_t kA = 1;
constexpr uint16_t kNs = 2;
constexpr uint16_t kCname = 5;
constexpr uint16_t kSoa = 6;
constexpr uint16_t kPtr = 12;
constexpr uint16_t kMx = 15;
constexpr uint16_t kTxt = 16;
constexpr uint16_t kAaaa = 28;
constexpr uint16_t kSrv = 33;
constexpr uint16_t kOpt = 41;
constexpr uint16_t kAny = 255;

struct QueryOptions {
  uint16_t id = 0x1234;
  uint16_t flags = 0x0100;  // RD
  uint16_t record_class = 1;
  int udp_size = -1;  // of an OPT record; negative: none
  uint8_t version = 0;
};

inline Message make_query(std::string_view name, uint16_t type, const QueryOptions& options = {}) {
  Message message;
  put_u16(message, options.id);
  put_u16(message, options.flags);
  for (const unsigned count : {1U, 0U, 0U, options.udp_size < 0 ? 0U : 1U}) put_u16(message, count);
  put_name(message, name);
  put_u16(message, type);
  put_u16(message, options.record_class);
  if (options.udp_size >= 0) {
    message.push_back(0);
    put_u16(message, kOpt);
    put_u16(message, static_cast<unsigned>(options.udp_size));
    message.insert(message.end(), {0, options.version, 0x80, 0, 0, 0});  // DO
  }
  return message;
}

struct Record {
  std::string name;
  unsigned type = 0;
  unsigned record_class = 0;
  unsigned ttl = 0;
  std::string data;  // an address, a name, numbers and a name as text; others as the bytes
};

/// A reply taken apart; `is_whole` tells whether it had no byte too few or too many.
struct Parsed {
  unsigned id = 0;
  unsigned flags = 0;
  std::string question;
  std::vector<Record> answer;
  std::vector<Record> authority;
  std::vector<Record> additional;
  bool is_whole = false;

  [[nodiscard]] unsigned rcode() const { return flags & 15U; }
  [[nodiscard]] bool is_authoritative() const { return (flags & 0x0400U) != 0; }
  [[nodiscard]] bool is_truncated() const { return (flags & 0x0200U) != 0; }
  [[nodiscard]] std::vector<std::string> data() const {
    std::vector<std::string> result;
    for (const auto& record : answer) result.push_back(record.data);
    return result;
  }
};

class ReplyReader {
 public:
  explicit ReplyReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  Parsed read() {
    Parsed result;
    result.id = u16();
    result.flags = u16();
    unsigned counts[4];
    for (auto& count : counts) count = u16();
    for (unsigned i = 0; i < counts[0]; ++i) {
      result.question += name();
      result.question += " " + std::to_string(u16());
      u16();
    }
    for (auto [count, into] :
         {std::pair{counts[1], &result.answer}, std::pair{counts[2], &result.authority},
          std::pair{counts[3], &result.additional}}) {
      for (unsigned i = 0; i < count && !is_broken_; ++i) into->push_back(record());
    }
    result.is_whole = !is_broken_ && at_ == bytes_.size();
    return result;
  }

 private:
  uint8_t u8() {
    if (at_ >= bytes_.size()) {
      is_broken_ = true;
      return 0;
    }
    return bytes_[at_++];
  }
  unsigned u16() {
    const unsigned high = u8();
    return high << 8 | u8();
  }

  std::string name() {
    std::string text;
    size_t back = 0;
    for (int jumps = 0; jumps < 10 && !is_broken_;) {
      const unsigned size = u8();
      if (size == 0) {
        if (back != 0) at_ = back;
        return text.empty() ? "." : text;
      }
      if (size >= 0xc0) {
        const size_t target = (size & 0x3fU) << 8 | u8();
        if (back == 0) back = at_;
        at_ = target;
        ++jumps;
        continue;
      }
      for (unsigned i = 0; i < size; ++i) text += static_cast<char>(u8());
      text += '.';
    }
    is_broken_ = true;
    return text;
  }

  Record record() {
    Record result{.name = name(), .type = u16(), .record_class = u16()};
    result.ttl = u16() << 16;
    result.ttl |= u16();
    const size_t size = u16();
    const size_t end = at_ + size;
    if (end > bytes_.size()) {
      is_broken_ = true;
      return result;
    }
    if (result.type == kA || result.type == kAaaa) {
      result.data = IpAddress::from_bytes(bytes_.subspan(at_, size)).to_string();
    } else if (result.type == kPtr || result.type == kCname || result.type == kMx ||
               result.type == kSrv) {
      const int numbers = result.type == kSrv ? 3 : result.type == kMx ? 1 : 0;
      for (int i = 0; i < numbers; ++i) result.data += std::to_string(u16()) + " ";
      result.data += name();
      if (at_ != end) is_broken_ = true;
    } else {
      result.data.assign(bytes_.begin() + static_cast<std::ptrdiff_t>(at_),
                         bytes_.begin() + static_cast<std::ptrdiff_t>(end));
    }
    at_ = end;
    return result;
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool is_broken_ = false;
};

}  // namespace burrow::dns::test
