// Reading JSON with errors that say where: a cursor remembers its path. Writing is nlohmann's own.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace burrow {

/// Keeps the order of keys as written: the order of networks is meaning.
using Json = nlohmann::ordered_json;

/// Parses a whole document. Duplicate keys, trailing text, nesting deeper than 32 and documents
/// over `size_limit` bytes are refused. Errors: invalid_input with line and column.
Result<Json> parse_json(std::string_view text, size_t size_limit = 16U << 20U);

/// A place in a document. Borrows the document, which must outlive it.
class JsonCursor {
 public:
  explicit JsonCursor(const Json& value, std::string path = {})
      : value_(&value), path_(std::move(path)) {}

  [[nodiscard]] const Json& value() const { return *value_; }
  /// "networks.front.static_ips[0]"; empty at the root.
  [[nodiscard]] const std::string& path() const { return path_; }

  /// The member `key`; null counts as absent. Errors: invalid_input when this is no object.
  [[nodiscard]] Result<std::optional<JsonCursor>> find(std::string_view key) const;
  /// The member `key`. Errors: invalid_input when absent or null.
  [[nodiscard]] Result<JsonCursor> at(std::string_view key) const;

  [[nodiscard]] Result<std::string> string() const;
  [[nodiscard]] Result<bool> boolean() const;
  /// An integer from 0 to `max`.
  [[nodiscard]] Result<uint64_t> unsigned_integer(uint64_t max) const;
  /// The elements of an array of at most `limit`.
  [[nodiscard]] Result<std::vector<JsonCursor>> elements(size_t limit = SIZE_MAX) const;
  /// The members of an object, in the order written.
  [[nodiscard]] Result<std::vector<std::pair<std::string, JsonCursor>>> members() const;

  /// The string here, parsed by `parse` (as IpAddress::parse); its errors get the path.
  template <typename Parse>
  [[nodiscard]] auto parsed(Parse parse) const -> decltype(parse(std::string_view{})) {
    const auto text = TRY(string());
    auto result = parse(std::string_view{text});
    if (!result) return with_context(std::move(result).error(), path_);
    return result;
  }

  /// A failure that names this place.
  template <typename... Args>
  [[nodiscard]] Failure failure(fmt::format_string<Args...> format, Args&&... args) const {
    return with_context({Errc::invalid_input, fmt::format(format, std::forward<Args>(args)...)},
                        path_.empty() ? "document" : path_);
  }

 private:
  const Json* value_;
  std::string path_;
};

}  // namespace burrow
