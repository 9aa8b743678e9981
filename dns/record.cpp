#include "dns/record.h"

#include <array>
#include <charconv>
#include <utility>

#include "core/ip.h"

namespace burrow::dns {
namespace {

constexpr uint32_t kLongestTtl = 0x7fffffff;  // RFC 2181 section 8
constexpr size_t kMaximumText = 255;          // of one character string
constexpr size_t kMaximumTexts = 4096;

std::string_view take_word(std::string_view& rest) {
  const auto end = rest.find(' ');
  const auto word = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
  return word;
}

Result<uint32_t> parse_number(std::string_view what, std::string_view text, uint32_t most) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > most) {
    return fail(Errc::invalid_input, "{} is no number up to {}: \"{}\"", what, most,
                text.substr(0, 32));
  }
  return number;
}

void append_u16(std::string& bytes, uint32_t number) {
  bytes += static_cast<char>(number >> 8U);
  bytes += static_cast<char>(number);
}

std::string bytes_of(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {bytes.begin(), bytes.end()};
}

Result<RecordTarget> parse_target(std::string_view text) {
  if (text == "@") return RecordTarget{};
  if (text == ".") return RecordTarget{.name = {}, .base = RecordTarget::Base::root};
  return RecordTarget{
      .name = TRY(DomainName::parse(text)),
      .base = text.ends_with('.') ? RecordTarget::Base::root : RecordTarget::Base::asked_domain};
}

// Character strings, in quotes or not (RFC 1035 section 5.1).
class TextReader {
 public:
  explicit TextReader(std::string_view rest) : rest_(rest) {}

  Result<std::string> read() {
    std::string bytes;
    do {
      const auto text = TRY(read_text());
      bytes += static_cast<char>(text.size());
      bytes += text;
      if (bytes.size() > kMaximumTexts) {
        return fail(Errc::invalid_input, "texts longer than {} bytes", kMaximumTexts);
      }
    } while (!rest_.empty());
    return bytes;
  }

 private:
  Result<std::string> read_text() {
    const bool is_quoted = rest_.starts_with('"');
    if (is_quoted) rest_.remove_prefix(1);
    std::string text;
    for (;;) {
      if (rest_.empty()) {
        if (is_quoted) return fail(Errc::invalid_input, "text without its closing quote");
        break;
      }
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (is_quoted && c == '"') {
        if (!rest_.empty() && !rest_.starts_with(' ')) {
          return fail(Errc::invalid_input, "no space after a closing quote");
        }
        if (!rest_.empty()) rest_.remove_prefix(1);
        break;
      }
      if (!is_quoted && c == ' ') break;
      text += c == '\\' ? TRY(read_escape()) : c;
      if (text.size() > kMaximumText) {
        return fail(Errc::invalid_input, "text longer than {} bytes", kMaximumText);
      }
    }
    return text;
  }

  Result<char> read_escape() {
    if (rest_.empty()) return fail(Errc::invalid_input, "text ends in a backslash");
    const char first = rest_.front();
    if (first < '0' || first > '9') {
      rest_.remove_prefix(1);
      return first;
    }
    const auto byte = TRY(parse_number("escape", rest_.substr(0, 3), 255));
    if (rest_.size() < 3) return fail(Errc::invalid_input, "escape without three digits");
    rest_.remove_prefix(3);
    return static_cast<char>(byte);
  }

  std::string_view rest_;
};

Result<Record> parse_data(std::string_view type, std::string_view rest) {
  Record record;
  if (type == "A" || type == "AAAA") {
    const auto address = TRY(IpAddress::parse(rest));
    if (address.is_v4() != (type == "A")) {
      return fail(Errc::invalid_input, "{} is no address for a record of type {}",
                  address.to_string(), type);
    }
    record.type = address.is_v4() ? RecordType::a : RecordType::aaaa;
    record.bytes = bytes_of(address);
  } else if (type == "CNAME") {
    record.type = RecordType::cname;
    record.target = TRY(parse_target(rest));
  } else if (type == "MX") {
    record.type = RecordType::mx;
    append_u16(record.bytes, TRY(parse_number("preference", take_word(rest), 65535)));
    record.target = TRY(parse_target(rest));
  } else if (type == "SRV") {
    record.type = RecordType::srv;
    for (const auto* field : {"priority", "weight", "port"}) {
      append_u16(record.bytes, TRY(parse_number(field, take_word(rest), 65535)));
    }
    record.target = TRY(parse_target(rest));
  } else if (type == "TXT") {
    record.type = RecordType::txt;
    record.bytes = TRY(TextReader{rest}.read());
  } else {
    return fail(Errc::invalid_input,
                "unknown record type \"{}\": must be A, AAAA, CNAME, MX, SRV or TXT",
                type.substr(0, 32));
  }
  return record;
}

}  // namespace

Result<OwnedRecord> parse_record(std::string_view text) {
  auto rest = text;
  OwnedRecord owned;
  const auto name = take_word(rest);
  if (name != "@") owned.owner = TRY(DomainName::parse(name));
  const auto ttl = TRY(parse_number("TTL", take_word(rest), kLongestTtl));
  const auto type = take_word(rest);
  if (rest.empty()) {
    return fail(Errc::invalid_input, "record without data: \"{}\"", text.substr(0, 80));
  }
  owned.record = TRY(parse_data(type, rest));
  owned.record.ttl = ttl;
  return owned;
}

}  // namespace burrow::dns
