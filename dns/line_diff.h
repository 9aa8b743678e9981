// Which lines of a text came and which went since the version before. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace burrow::dns {

/// A line of a text by position, with a number that it keeps as long as it stays. Numbers grow from
/// line to line.
struct NumberedLine {
  uint32_t begin = 0;
  uint32_t size = 0;
  uint64_t number = 0;

  [[nodiscard]] std::string_view of(std::string_view text) const {
    return text.substr(begin, size);
  }
};

/// The lines of `text` that are not empty. At most 4 GiB. `room` may be any vector whose memory is
/// not needed any more.
std::vector<NumberedLine> number_lines(std::string_view text, std::vector<NumberedLine> room = {});

struct LineDiff {
  std::vector<NumberedLine> lines;  ///< of the text as it is now
  std::vector<NumberedLine> gone;   ///< of the text before
  std::vector<NumberedLine> come;   ///< of the text now, with their new numbers
};

/// What leads from `before`, whose lines are `lines`, to `now`. Not always the least that could.
/// Nothing when no number is left between two lines: number_lines() starts afresh.
std::optional<LineDiff> diff_lines(std::string_view before, const std::vector<NumberedLine>& lines,
                                   std::string_view now, std::vector<NumberedLine> room = {});

}  // namespace burrow::dns
