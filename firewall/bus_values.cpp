#include "firewall/bus_values.h"

#include <dbus/dbus.h>

namespace burrow::firewall {
namespace {

using Texts = std::vector<std::string>;
using Rows = std::vector<Texts>;

Failure other_shape(std::string_view wanted) {
  return fail(Errc::corrupt, "the answer is not {}", wanted);
}

// The library has checked the message; what has another shape than is asked for reads as nothing.

std::optional<std::string> read_text(DBusMessageIter iter) {
  if (dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_VARIANT) {
    DBusMessageIter inner;
    dbus_message_iter_recurse(&iter, &inner);
    iter = inner;
  }
  if (dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_STRING) return std::nullopt;
  const char* bytes = nullptr;
  dbus_message_iter_get_basic(&iter, &bytes);
  return std::string{bytes};
}

bool is_array(DBusMessageIter& iter) {
  return dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_ARRAY;
}

// The strings of an array or struct; nothing when it holds anything else.
std::optional<Texts> read_texts(DBusMessageIter iter) {
  const auto type = dbus_message_iter_get_arg_type(&iter);
  if (type != DBUS_TYPE_ARRAY && type != DBUS_TYPE_STRUCT) return std::nullopt;
  if (type == DBUS_TYPE_ARRAY && dbus_message_iter_get_element_type(&iter) != DBUS_TYPE_STRING) {
    return std::nullopt;
  }
  Texts texts;
  DBusMessageIter inner;
  dbus_message_iter_recurse(&iter, &inner);
  while (dbus_message_iter_get_arg_type(&inner) != DBUS_TYPE_INVALID) {
    auto text = read_text(inner);
    if (!text) return std::nullopt;
    texts.push_back(*std::move(text));
    dbus_message_iter_next(&inner);
  }
  return texts;
}

std::optional<Rows> read_rows(DBusMessageIter iter) {
  if (!is_array(iter)) return std::nullopt;
  const auto element = dbus_message_iter_get_element_type(&iter);
  if (element != DBUS_TYPE_ARRAY && element != DBUS_TYPE_STRUCT) return std::nullopt;
  Rows rows;
  DBusMessageIter inner;
  dbus_message_iter_recurse(&iter, &inner);
  while (dbus_message_iter_get_arg_type(&inner) != DBUS_TYPE_INVALID) {
    auto row = read_texts(inner);
    if (!row) return std::nullopt;
    rows.push_back(*std::move(row));
    dbus_message_iter_next(&inner);
  }
  return rows;
}

// The keys of a dictionary; nothing when it is none, or has keys of another kind.
std::optional<Texts> read_keys(DBusMessageIter iter) {
  if (!is_array(iter) || dbus_message_iter_get_element_type(&iter) != DBUS_TYPE_DICT_ENTRY) {
    return std::nullopt;
  }
  Texts keys;
  DBusMessageIter entries;
  dbus_message_iter_recurse(&iter, &entries);
  while (dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID) {
    DBusMessageIter entry;
    dbus_message_iter_recurse(&entries, &entry);
    auto key = read_text(entry);
    if (!key) return std::nullopt;
    keys.push_back(*std::move(key));
    dbus_message_iter_next(&entries);
  }
  return keys;
}

// The list under a key of a dictionary; nothing when it is no dictionary, or no list is there.
std::optional<Texts> read_texts_at(DBusMessageIter iter, std::string_view wanted) {
  if (!is_array(iter) || dbus_message_iter_get_element_type(&iter) != DBUS_TYPE_DICT_ENTRY) {
    return std::nullopt;
  }
  DBusMessageIter entries;
  dbus_message_iter_recurse(&iter, &entries);
  for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID;
       dbus_message_iter_next(&entries)) {
    DBusMessageIter entry;
    dbus_message_iter_recurse(&entries, &entry);
    if (read_text(entry) != wanted) continue;
    dbus_message_iter_next(&entry);
    if (dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_VARIANT) return std::nullopt;
    DBusMessageIter value;
    dbus_message_iter_recurse(&entry, &value);
    return read_texts(value);
  }
  return Texts{};
}

DBusMessageIter contents(DBusMessage* message) {
  DBusMessageIter iter;
  dbus_message_iter_init(message, &iter);
  return iter;
}

Failure no_memory() { return fail(Errc::exhausted, "no memory for a message"); }

Result<void> append_texts(DBusMessageIter& iter, std::span<const std::string> texts) {
  for (const auto& text : texts) {
    // The library takes anything else for a mistake of ours, and ends the program.
    if (text.find('\0') != text.npos || dbus_validate_utf8(text.c_str(), nullptr) == 0) {
      return fail(Errc::invalid_input, "not UTF-8, which the message bus needs: \"{}\"", text);
    }
    const char* bytes = text.c_str();
    if (dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &bytes) == 0) return no_memory();
  }
  return {};
}

// Writes an array, a variant or an entry, with what `fill` puts into it.
template <typename Fill>
Result<void> write_container(DBusMessageIter& outer, int type, const char* signature, Fill fill) {
  DBusMessageIter inner;
  if (dbus_message_iter_open_container(&outer, type, signature, &inner) == 0) return no_memory();
  if (auto filled = fill(inner); !filled) {
    dbus_message_iter_abandon_container(&outer, &inner);
    return filled;
  }
  if (dbus_message_iter_close_container(&outer, &inner) == 0) return no_memory();
  return {};
}

}  // namespace

Result<void> append_arguments(DBusMessage& message, std::span<const std::string> arguments) {
  DBusMessageIter iter;
  dbus_message_iter_init_append(&message, &iter);
  return append_texts(iter, arguments);
}

Result<void> append_setting(DBusMessage& message, const BusSetting& setting) {
  DBusMessageIter iter;
  dbus_message_iter_init_append(&message, &iter);
  return write_container(iter, DBUS_TYPE_ARRAY, "{sv}", [&](DBusMessageIter& dictionary) {
    return write_container(dictionary, DBUS_TYPE_DICT_ENTRY, nullptr, [&](DBusMessageIter& entry) {
      auto key = append_texts(entry, std::span{&setting.key, 1});
      if (!key) return key;
      return write_container(entry, DBUS_TYPE_VARIANT, "as", [&](DBusMessageIter& value) {
        return write_container(value, DBUS_TYPE_ARRAY, "s", [&](DBusMessageIter& list) {
          return append_texts(list, setting.texts);
        });
      });
    });
  });
}

std::vector<std::string> leading_texts(DBusMessage& message) {
  Texts texts;
  auto iter = contents(&message);
  while (dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_STRING) {
    texts.push_back(read_text(iter).value_or(""));
    dbus_message_iter_next(&iter);
  }
  return texts;
}

Result<std::string> BusReply::text() const {
  if (auto text = read_text(contents(message_.get()))) return *std::move(text);
  return other_shape("a string");
}

Result<std::vector<std::string>> BusReply::texts() const {
  if (auto texts = read_texts(contents(message_.get()))) return *std::move(texts);
  return other_shape("a list of strings");
}

Result<std::vector<std::vector<std::string>>> BusReply::rows() const {
  if (auto rows = read_rows(contents(message_.get()))) return *std::move(rows);
  return other_shape("a list of rows");
}

Result<std::vector<std::string>> BusReply::texts_at(std::string_view key) const {
  if (auto texts = read_texts_at(contents(message_.get()), key)) return *std::move(texts);
  return other_shape("a dictionary with a list of strings");
}

Result<std::vector<std::string>> BusReply::keys() const {
  if (auto keys = read_keys(contents(message_.get()))) return *std::move(keys);
  return other_shape("a dictionary");
}

}  // namespace burrow::firewall
