#include "core/json.h"

#include <set>

namespace burrow {
namespace {

constexpr int kDeepestNesting = 32;
// An object that keeps its order is searched member by member: this bounds what that can cost.
constexpr size_t kMostMembers = 1024;
// Names are quoted in paths up to this length.
constexpr size_t kLongestKey = 64;

std::string_view type_of(const Json& value) { return value.type_name(); }

std::string child_path(const std::string& path, std::string_view key) {
  const auto cut = key.substr(0, kLongestKey);
  return path.empty() ? std::string{cut} : fmt::format("{}.{}", path, cut);
}

// Refuses what nlohmann's parser lets through: deep nesting and duplicate keys.
class Guard {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kDeepestNesting) problem = "nested too deeply";
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end && !keys_.empty()) keys_.pop_back();
    if (event == Event::key && !keys_.empty() &&
        !keys_.back().insert(parsed.get_ref<const std::string&>()).second) {
      problem = fmt::format("duplicate field \"{}\"",
                            parsed.get_ref<const std::string&>().substr(0, kLongestKey));
    }
    if (event == Event::key && !keys_.empty() && keys_.back().size() > kMostMembers) {
      problem = fmt::format("an object has more than {} members", kMostMembers);
    }
    return problem.empty();  // from the first problem on nothing is built any more
  }
  std::string problem;

 private:
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, size_t size_limit) {
  if (text.size() > size_limit) {
    return fail(Errc::invalid_input, "document of {} bytes is larger than {}", text.size(),
                size_limit);
  }
  // nlohmann recurses only in its destructor, but a bounded depth keeps every visitor safe: check
  // before anything is built.
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepestNesting) return fail(Errc::invalid_input, "JSON is nested too deeply");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  Guard guard;
  try {
    auto document = Json::parse(text, std::ref(guard));
    if (!guard.problem.empty()) return fail(Errc::invalid_input, "{}", guard.problem);
    return document;
  } catch (const nlohmann::json::exception& exception) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without the bracket.
    const std::string_view what = exception.what();
    const auto bracket = what.find("] ");
    return fail(Errc::invalid_input, "{}", bracket == what.npos ? what : what.substr(bracket + 2));
  }
}

Result<std::optional<JsonCursor>> JsonCursor::find(std::string_view key) const {
  if (!value_->is_object()) return failure("expected an object, found {}", type_of(*value_));
  const auto member = value_->find(key);
  if (member == value_->end() || member->is_null()) return std::nullopt;
  return JsonCursor{*member, child_path(path_, key)};
}

Result<JsonCursor> JsonCursor::at(std::string_view key) const {
  auto member = TRY(find(key));
  if (!member) return failure("missing field \"{}\"", key);
  return *std::move(member);
}

Result<std::string> JsonCursor::string() const {
  if (!value_->is_string()) return failure("expected a string, found {}", type_of(*value_));
  return value_->get<std::string>();
}

Result<bool> JsonCursor::boolean() const {
  if (!value_->is_boolean()) return failure("expected a boolean, found {}", type_of(*value_));
  return value_->get<bool>();
}

Result<uint64_t> JsonCursor::unsigned_integer(uint64_t max) const {
  if (!value_->is_number_integer()) {
    return failure("expected an integer, found {}", type_of(*value_));
  }
  const bool is_negative = !value_->is_number_unsigned() && value_->get<int64_t>() < 0;
  if (is_negative || value_->get<uint64_t>() > max) {
    return failure("{} is not in the range 0 to {}", value_->dump(), max);
  }
  return value_->get<uint64_t>();
}

Result<std::vector<JsonCursor>> JsonCursor::elements(size_t limit) const {
  if (!value_->is_array()) return failure("expected an array, found {}", type_of(*value_));
  if (value_->size() > limit) {
    return failure("{} elements are more than {}", value_->size(), limit);
  }
  std::vector<JsonCursor> result;
  result.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i) {
    result.emplace_back((*value_)[i], fmt::format("{}[{}]", path_, i));
  }
  return result;
}

Result<std::vector<std::pair<std::string, JsonCursor>>> JsonCursor::members() const {
  if (!value_->is_object()) return failure("expected an object, found {}", type_of(*value_));
  std::vector<std::pair<std::string, JsonCursor>> result;
  result.reserve(value_->size());
  for (const auto& [key, member] : value_->items()) {
    result.emplace_back(key, JsonCursor{member, child_path(path_, key)});
  }
  return result;
}

}  // namespace burrow
