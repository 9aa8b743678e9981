// What comes in bus messages reads as what it is, and as nothing else.
#include "firewall/bus_values.h"

#include <dbus/dbus.h>
#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::firewall;

namespace {

using Texts = std::vector<std::string>;

BusMessagePointer message() {
  return BusMessagePointer{dbus_message_new_method_call("a.b", "/", "a.b", "c")};
}

BusReply reply_of(const Texts& arguments) {
  auto made = message();
  REQUIRE(append_arguments(*made, arguments));
  return BusReply{std::move(made)};
}

// An array of arrays of strings, of structs, or of dictionary entries with a string under each key.
BusReply nested(int inner, const char* signature, const std::vector<Texts>& rows) {
  auto made = message();
  DBusMessageIter iter;
  DBusMessageIter array;
  dbus_message_iter_init_append(made.get(), &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, signature, &array);
  for (const auto& row : rows) {
    DBusMessageIter fields;
    dbus_message_iter_open_container(&array, inner, inner == DBUS_TYPE_ARRAY ? "s" : nullptr,
                                     &fields);
    for (const auto& text : row) {
      const char* bytes = text.c_str();
      dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &bytes);
    }
    dbus_message_iter_close_container(&array, &fields);
  }
  dbus_message_iter_close_container(&iter, &array);
  return BusReply{std::move(made)};
}

void check_all_refuse(const BusReply& reply) {
  CHECK_FALSE(reply.text());
  CHECK_FALSE(reply.texts());
  CHECK_FALSE(reply.rows());
  CHECK_FALSE(reply.keys());
  CHECK_FALSE(reply.texts_at("a"));
}

}  // namespace

TEST_CASE("a string reads as a string and as nothing else, wrapped in a variant or not") {
  const auto reply = reply_of({"burrow"});
  CHECK(*reply.text() == "burrow");
  CHECK(reply.texts().error().code == Errc::corrupt);
  CHECK(reply.rows().error().code == Errc::corrupt);
  CHECK(reply.keys().error().code == Errc::corrupt);

  auto made = message();
  DBusMessageIter iter;
  DBusMessageIter variant;
  dbus_message_iter_init_append(made.get(), &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "s", &variant);
  const char* yes = "yes";
  dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &yes);
  dbus_message_iter_close_container(&iter, &variant);
  CHECK(*BusReply{std::move(made)}.text() == "yes");
}

TEST_CASE("rows are read from arrays of arrays and of structs") {
  const std::vector<Texts> rows{{"80", "tcp", "8080", "10.0.0.2"}, {"53", "udp", "", ""}};
  CHECK(*nested(DBUS_TYPE_ARRAY, "as", rows).rows() == rows);
  CHECK(*nested(DBUS_TYPE_STRUCT, "(ssss)", rows).rows() == rows);
  CHECK(nested(DBUS_TYPE_ARRAY, "as", {}).rows()->empty());
  CHECK_FALSE(nested(DBUS_TYPE_ARRAY, "as", rows).texts());
  CHECK_FALSE(nested(DBUS_TYPE_ARRAY, "as", rows).keys());
}

TEST_CASE("a dictionary reads as its keys") {
  const auto reply = nested(DBUS_TYPE_DICT_ENTRY, "{ss}", {{"public", "x"}, {"burrow", "y"}});
  CHECK(*reply.keys() == Texts{"public", "burrow"});
  CHECK_FALSE(reply.rows());
  CHECK_FALSE(reply.texts());
}

TEST_CASE("a setting reads back as the list under its key, and has none under another") {
  for (const auto& texts : {Texts{}, Texts{"a", "b"}}) {
    auto made = message();
    REQUIRE(append_setting(*made, {"rich_rules", texts}));
    const BusReply reply{std::move(made)};
    CHECK(*reply.texts_at("rich_rules") == texts);
    CHECK(reply.texts_at("ports")->empty());
    CHECK(*reply.keys() == Texts{"rich_rules"});
    CHECK_FALSE(reply.texts());
  }
  CHECK_FALSE(reply_of({"burrow"}).texts_at("rich_rules"));
  CHECK_FALSE(nested(DBUS_TYPE_DICT_ENTRY, "{ss}", {{"rich_rules", "x"}}).texts_at("rich_rules"));
  CHECK_FALSE(append_setting(*message(), {"rich_rules", {"fine", "caf\xe9"}}));
}

TEST_CASE("an empty answer and a number are none of the shapes") {
  check_all_refuse(BusReply{message()});
  auto made = message();
  const dbus_uint32_t number = 7;
  dbus_message_append_args(made.get(), DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
  check_all_refuse(BusReply{std::move(made)});
}

TEST_CASE("what the library would end the program for is refused before") {
  for (const std::string text : {"\xff\xfe", "caf\xe9", "\xc0"}) {
    auto made = message();
    const auto appended = append_arguments(*made, Texts{"fine", text});
    REQUIRE_FALSE(appended);
    CHECK(appended.error().code == Errc::invalid_input);
  }
  auto made = message();
  CHECK_FALSE(append_arguments(*made, Texts{std::string{"a\0b", 3}}));
}

TEST_CASE("strings that a signal begins with are read, and what follows them is not") {
  auto made = message();
  REQUIRE(append_arguments(*made, Texts{"a", ""}));
  const dbus_uint32_t number = 7;
  dbus_message_append_args(made.get(), DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
  REQUIRE(append_arguments(*made, Texts{"b"}));
  CHECK(leading_texts(*made) == Texts{"a", ""});
  CHECK(leading_texts(*message()).empty());
}
