#include "core/json.h"

#include <set>

namespace burrow {
namespace {

constexpr int kDeepestNesting = 32;
// An object that keeps its order is searched member by member: this bounds what that can cost.
constexpr size_t kMostMembers = 1024;
// Names are quoted in paths up to this length.
constexpr size_t kLongestKey = 64;
constexpr size_t kLongestProblem = 512;

std::string_view type_of(const Json& value) { return value.type_name(); }

std::string child_path(const std::string& path, std::string_view key) {
  const auto cut = key.substr(0, kLongestKey);
  return path.empty() ? std::string{cut} : fmt::format("{}.{}", path, cut);
}

// Refuses, in one pass that builds nothing, what nlohmann's parser lets through: deep nesting,
// duplicate keys, and objects of more members than an ordered search may cost.
class Guard : public nlohmann::json_sax<Json> {
 public:
  std::string problem;

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*elements*/) override {
    keys_.emplace_back();
    return descend();
  }
  bool key(string_t& key) override {
    auto& keys = keys_.back();
    if (keys.size() == kMostMembers) {
      return refuse(fmt::format("an object has more than {} members", kMostMembers));
    }
    if (keys.insert(key).second) return true;
    return refuse(fmt::format("duplicate field \"{}\"", key.substr(0, kLongestKey)));
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*elements*/) override { return descend(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& exception) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without the bracket.
    const std::string_view what = exception.what();
    const auto bracket = what.find("] ");
    return refuse(std::string{bracket == what.npos ? what : what.substr(bracket + 2)});
  }

 private:
  bool descend() { return ++depth_ <= kDeepestNesting || refuse("JSON is nested too deeply"); }
  bool refuse(std::string reason) {
    problem = std::move(reason);
    return false;
  }
  std::vector<std::set<std::string>> keys_;
  int depth_ = 0;
};

}  // namespace

Result<Json> parse_json(std::string_view text, size_t size_limit) {
  if (text.size() > size_limit) {
    return fail(Errc::invalid_input, "document of {} bytes is larger than {}", text.size(),
                size_limit);
  }
  Guard guard;
  if (!Json::sax_parse(text, &guard)) {
    return fail(Errc::invalid_input, "{}", guard.problem.substr(0, kLongestProblem));
  }
  return Json::parse(text, nullptr, false);
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
