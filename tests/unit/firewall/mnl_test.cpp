// Our part of libmnl against libmnl itself: same bytes, same answers. Skipped where the library is
// not installed.
#include <dlfcn.h>
#include <libmnl/libmnl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "doctest/doctest.h"

namespace {

class Library {
 public:
  static std::optional<Library> open() {
    void* handle = ::dlopen("libmnl.so.0", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return std::nullopt;
    return Library{handle};
  }

  // The library's own function of that name, with the type that the header gives it.
  template <typename Function>
  Function* get(const char* name, Function* ours) const {
    void* symbol = ::dlsym(handle_, name);
    REQUIRE_MESSAGE(symbol != nullptr, name);
    auto* theirs = reinterpret_cast<Function*>(symbol);
    const bool is_other = theirs != ours;  // else it would be compared with itself
    REQUIRE_MESSAGE(is_other, name);
    return theirs;
  }

 private:
  explicit Library(void* handle) : handle_(handle) {}
  void* handle_;  // stays open: the process ends soon
};

#define THEIRS(library, function) (library).get(#function, &(function))

constexpr uint8_t kDirt = 0xa5;

// Room for one message.
struct Room {
  alignas(8) std::array<uint8_t, 512> bytes{};
  [[nodiscard]] nlmsghdr* message() { return reinterpret_cast<nlmsghdr*>(bytes.data()); }
  [[nodiscard]] std::vector<uint8_t> used() {
    return {bytes.begin(), bytes.begin() + message()->nlmsg_len};
  }
};

struct Seen {
  std::vector<std::string> attributes;
  size_t stop_at = 1000;
  int with = MNL_CB_STOP;
};

int remember(const nlattr* attribute, void* opaque) {
  auto& seen = *static_cast<Seen*>(opaque);
  const auto* bytes = static_cast<const char*>(mnl_attr_get_payload(attribute));
  seen.attributes.push_back(std::to_string(mnl_attr_get_type(attribute)) + ":" +
                            std::string{bytes, mnl_attr_get_payload_len(attribute)});
  return seen.attributes.size() == seen.stop_at ? seen.with : MNL_CB_OK;
}

}  // namespace

TEST_CASE("messages are built byte for byte as libmnl builds them") {
  const auto library = Library::open();
  if (!library) return;
  Room ours;
  Room theirs;
  const auto both = [&](auto ours_do, auto theirs_do) {
    ours_do(ours.message());
    theirs_do(theirs.message());
    CHECK(ours.used() == theirs.used());
  };
#define BOTH(function, ...)                                                      \
  both([&](nlmsghdr* message) { function(message __VA_OPT__(, ) __VA_ARGS__); }, \
       [&](nlmsghdr* message) {                                                  \
         THEIRS(*library, function)                                              \
         (message __VA_OPT__(, ) __VA_ARGS__);                                   \
       })
  BOTH(mnl_nlmsg_put_header);
  BOTH(mnl_nlmsg_put_extra_header, 3);
  BOTH(mnl_attr_put_u8, 1, 0xfe);
  BOTH(mnl_attr_put_u16, 2, 0xfedc);
  BOTH(mnl_attr_put_u32, 3, 0xfedcba98U);
  BOTH(mnl_attr_put_u64, 4, 0xfedcba9876543210U);
  BOTH(mnl_attr_put_str, 5, "abcde");
  BOTH(mnl_attr_put_strz, 6, "abcdefg");
  BOTH(mnl_attr_put_strz, 7, "");
  BOTH(mnl_attr_put, 8, 0, nullptr);
  BOTH(mnl_attr_put, 9, 5, "12345");
  auto* our_nest = mnl_attr_nest_start(ours.message(), 10);
  auto* their_nest = THEIRS(*library, mnl_attr_nest_start)(theirs.message(), 10);
  BOTH(mnl_attr_put_u8, 11, 7);
  mnl_attr_nest_end(ours.message(), our_nest);
  THEIRS(*library, mnl_attr_nest_end)(theirs.message(), their_nest);
  CHECK(ours.used() == theirs.used());
#undef BOTH
}

TEST_CASE("what stood in the buffer does not show between attributes") {
  Room room;
  room.bytes.fill(kDirt);
  auto* message = mnl_nlmsg_put_header(room.bytes.data());
  mnl_nlmsg_put_extra_header(message, 1);
  mnl_attr_put_u8(message, 1, 1);
  mnl_attr_put_strz(message, 2, "abcd");
  const auto used = room.used();
  CHECK(std::ranges::find(used, kDirt) == used.end());
}

TEST_CASE("attributes are read as libmnl reads them") {
  const auto library = Library::open();
  if (!library) return;
  Room room;
  mnl_nlmsg_put_header(room.message());
  mnl_nlmsg_put_extra_header(room.message(), 4);
  const auto offset = room.message()->nlmsg_len;
  mnl_attr_put_u64(room.message(), NLA_F_NET_BYTEORDER | 4, 0xfedcba9876543210U);
  const auto* attribute = reinterpret_cast<const nlattr*>(room.bytes.data() + offset);
  CHECK(mnl_nlmsg_get_payload(room.message()) ==
        THEIRS(*library, mnl_nlmsg_get_payload)(room.message()));
  CHECK(mnl_nlmsg_get_payload_len(room.message()) ==
        THEIRS(*library, mnl_nlmsg_get_payload_len)(room.message()));
#define SAME(function) CHECK(function(attribute) == THEIRS(*library, function)(attribute))
  SAME(mnl_attr_get_type);
  SAME(mnl_attr_get_payload_len);
  SAME(mnl_attr_get_payload);
  SAME(mnl_attr_get_u8);
  SAME(mnl_attr_get_u16);
  SAME(mnl_attr_get_u32);
  SAME(mnl_attr_get_u64);
  SAME(mnl_attr_next);
#undef SAME
  CHECK(static_cast<const void*>(mnl_attr_get_str(attribute)) == mnl_attr_get_payload(attribute));
  for (const uint16_t most : std::array<uint16_t, 4>{0, 3, 4, 5}) {
    CHECK(mnl_attr_type_valid(attribute, most) ==
          THEIRS(*library, mnl_attr_type_valid)(attribute, most));
  }
}

TEST_CASE("what does not fit a buffer or a type is refused as by libmnl") {
  const auto library = Library::open();
  if (!library) return;
  Room room;
  auto* message = room.message();
  auto* attribute = reinterpret_cast<nlattr*>(room.bytes.data());
  for (const int left : {-20, -1, 0, 3, 4, 5, 15, 16, 17, 100}) {
    for (const unsigned length : {0U, 3U, 4U, 5U, 15U, 16U, 17U, 99U, 101U, 0xffffU, 0x7fffffffU}) {
      CAPTURE(left);
      CAPTURE(length);
      message->nlmsg_len = length;
      CHECK(mnl_nlmsg_ok(message, left) == THEIRS(*library, mnl_nlmsg_ok)(message, left));
      attribute->nla_len = static_cast<uint16_t>(length);
      CHECK(mnl_attr_ok(attribute, left) == THEIRS(*library, mnl_attr_ok)(attribute, left));
    }
  }
  message->nlmsg_len = 0xffffffffU;  // which libmnl takes for -1
  CHECK_FALSE(mnl_nlmsg_ok(message, 100));
  message->nlmsg_len = 21;
  int our_left = 100;
  int their_left = 100;
  CHECK(mnl_nlmsg_next(message, &our_left) ==
        THEIRS(*library, mnl_nlmsg_next)(message, &their_left));
  CHECK(our_left == their_left);
  auto* validate = THEIRS(*library, mnl_attr_validate);
  for (int type = MNL_TYPE_UNSPEC; type <= MNL_TYPE_MAX; ++type) {
    for (const char last : {'\0', 'x'}) {
      for (uint16_t size = 0; size < 12; ++size) {
        CAPTURE(type);
        CAPTURE(size);
        Room one;
        one.bytes.fill(static_cast<uint8_t>(last));
        auto* tested = reinterpret_cast<nlattr*>(one.bytes.data());
        tested->nla_len = static_cast<uint16_t>(sizeof(nlattr) + size);
        errno = 0;
        const int our_outcome = mnl_attr_validate(tested, static_cast<mnl_attr_data_type>(type));
        const int our_code = errno;
        errno = 0;
        CHECK(our_outcome == validate(tested, static_cast<mnl_attr_data_type>(type)));
        CHECK(our_code == errno);
      }
    }
  }
}

TEST_CASE("attributes are walked as by libmnl, to a torn end and up to where it is enough") {
  const auto library = Library::open();
  if (!library) return;
  Room room;
  auto* message = mnl_nlmsg_put_header(room.bytes.data());
  mnl_nlmsg_put_extra_header(message, 4);
  mnl_attr_put_str(message, 1, "one");
  mnl_attr_put_str(message, 2, "second");
  auto* nest = mnl_attr_nest_start(message, 3);
  mnl_attr_put_str(message, 4, "inside");
  mnl_attr_put_str(message, 5, "also");
  mnl_attr_nest_end(message, nest);
  const uint32_t whole = message->nlmsg_len;
  for (uint32_t length = 16; length <= whole; ++length) {
    for (const unsigned offset : {0U, 3U, 4U}) {
      for (const size_t stop_at : {1U, 2U, 1000U}) {
        for (const int with : {MNL_CB_STOP, MNL_CB_ERROR}) {
          CAPTURE(length);
          CAPTURE(offset);
          message->nlmsg_len = length;
          Seen ours{.stop_at = stop_at, .with = with};
          Seen theirs{.stop_at = stop_at, .with = with};
          CHECK(mnl_attr_parse(message, offset, remember, &ours) ==
                THEIRS(*library, mnl_attr_parse)(message, offset, remember, &theirs));
          CHECK(ours.attributes == theirs.attributes);
        }
      }
    }
  }
  Seen ours;
  Seen theirs;
  CHECK(mnl_attr_parse_nested(nest, remember, &ours) ==
        THEIRS(*library, mnl_attr_parse_nested)(nest, remember, &theirs));
  CHECK(ours.attributes == std::vector<std::string>{"4:inside", "5:also"});
  CHECK(ours.attributes == theirs.attributes);
  CHECK(mnl_attr_parse_payload(room.bytes.data() + 20, whole - 20, remember, &ours) ==
        THEIRS(*library, mnl_attr_parse_payload)(room.bytes.data() + 20, whole - 20, remember,
                                                 &theirs));
  CHECK(ours.attributes == theirs.attributes);
}
