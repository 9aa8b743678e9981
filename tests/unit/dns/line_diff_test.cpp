#include "dns/line_diff.h"

#include <doctest/doctest.h>

#include <string>

using namespace burrow::dns;

namespace {

using Texts = std::vector<std::string>;

Texts texts(std::string_view text, const std::vector<NumberedLine>& lines) {
  Texts result;
  for (const auto& line : lines) result.emplace_back(line.of(text));
  return result;
}

struct Change {
  Texts gone;
  Texts come;
};

Change change(std::string_view before, std::string_view now) {
  const auto lines = number_lines(before);
  const auto diff = diff_lines(before, lines, now);
  REQUIRE(diff);
  CHECK(texts(now, diff->lines) == texts(now, number_lines(now)));
  for (size_t i = 1; i < diff->lines.size(); ++i) {
    CHECK(diff->lines[i - 1].number < diff->lines[i].number);
  }
  return {texts(before, diff->gone), texts(now, diff->come)};
}

}  // namespace

TEST_CASE("lines that come and go are told, wherever they stand, and no others") {
  const auto same = change("a\nb\nc\n", "a\nb\nc\n");
  CHECK((same.gone.empty() && same.come.empty()));
  CHECK(change("a\nb\n", "a\nb\nc\n").come == Texts{"c"});
  CHECK(change("a\nb\n", "c\na\nb\n").come == Texts{"c"});
  CHECK(change("a\nb\nc\n", "a\nc\n").gone == Texts{"b"});
  const auto replaced = change("a\nb\nc\n", "a\nx\nc\n");
  CHECK(replaced.gone == Texts{"b"});
  CHECK(replaced.come == Texts{"x"});
  const auto moved = change("a\nb\nc\nd\n", "a\nc\nd\nb\n");
  CHECK(moved.gone == Texts{"b"});
  CHECK(moved.come == Texts{"b"});
  const auto many = change("a\nb\nc\nd\ne\n", "x\nb\ny\nz\ne\nf\n");
  CHECK(many.gone == Texts{"a", "c", "d"});
  CHECK(many.come == Texts{"x", "y", "z", "f"});
  CHECK(change("", "a\n").come == Texts{"a"});
  CHECK(change("a\n", "").gone == Texts{"a"});
  CHECK(change("a\na\na\n", "a\na\n").gone == Texts{"a"});
}

TEST_CASE("empty lines and a missing last line end mean nothing") {
  CHECK(texts("\n\na\n\nb", number_lines("\n\na\n\nb")) == Texts{"a", "b"});
  const auto same = change("a\n\nb\n", "a\nb");
  CHECK((same.gone.empty() && same.come.empty()));
}

TEST_CASE("when no number is left between two lines the diff gives up") {
  std::string text = "a\nz\n";
  auto lines = number_lines(text);
  for (int i = 0; i < 100; ++i) {
    // Always directly behind the first line: the room halves each time.
    const auto now = "a\n" + std::to_string(i) + text.substr(1);
    const auto diff = diff_lines(text, lines, now);
    if (!diff) {
      CHECK(i > 20);
      return;
    }
    lines = diff->lines;
    text = now;
  }
  FAIL("there was always room");
}
