#include "dns/line_diff.h"

#include <algorithm>
#include <unordered_map>

namespace burrow::dns {
namespace {

// Room for lines between two others; 2^40 lines can be added at the end.
constexpr uint64_t kStep = uint64_t{1} << 24U;

// Lines without numbers.
std::vector<NumberedLine> split(std::string_view text, std::vector<NumberedLine> room) {
  auto lines = std::move(room);
  lines.clear();
  lines.reserve(text.size() / 64);
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end - at), 0});
    at = end + 1;
  }
  return lines;
}

// How often each text occurs among `lines` from `first` to `last`.
using Counts = std::unordered_map<std::string_view, int>;
Counts count(std::string_view text, const std::vector<NumberedLine>& lines, size_t first,
             size_t last) {
  Counts counts;
  for (size_t i = first; i < last; ++i) ++counts[lines[i].of(text)];
  return counts;
}

// Numbers each run of lines that has none between its neighbours. False when there is no room.
bool fill_numbers(std::vector<NumberedLine>& lines) {
  uint64_t before = 0;
  for (size_t i = 0; i < lines.size();) {
    if (lines[i].number != 0) {
      before = lines[i++].number;
      continue;
    }
    size_t end = i;
    while (end < lines.size() && lines[end].number == 0) ++end;
    const bool is_last = end == lines.size();
    const uint64_t step = is_last ? kStep : (lines[end].number - before) / (end - i + 1);
    if (step == 0 || before > UINT64_MAX - step * (end - i)) return false;
    for (; i < end; ++i) lines[i].number = before += step;
  }
  return true;
}

}  // namespace

std::vector<NumberedLine> number_lines(std::string_view text, std::vector<NumberedLine> room) {
  auto lines = split(text, std::move(room));
  fill_numbers(lines);
  return lines;
}

std::optional<LineDiff> diff_lines(std::string_view before, const std::vector<NumberedLine>& lines,
                                   std::string_view now, std::vector<NumberedLine> room) {
  LineDiff diff{.lines = split(now, std::move(room)), .gone = {}, .come = {}};
  auto& fresh = diff.lines;
  const auto is_same = [&](size_t old_line, size_t new_line) {
    return lines[old_line].of(before) == fresh[new_line].of(now);
  };
  size_t first = 0;
  while (first < lines.size() && first < fresh.size() && is_same(first, first)) {
    fresh[first].number = lines[first].number;
    ++first;
  }
  size_t old_end = lines.size();
  size_t new_end = fresh.size();
  while (old_end > first && new_end > first && is_same(old_end - 1, new_end - 1)) {
    fresh[--new_end].number = lines[--old_end].number;
  }
  size_t i = first;
  size_t j = first;
  // In between: most often one line went from here, or came. Else what stands on one side alone has
  // gone or come, and of lines that changed places the old one goes and the new one comes.
  std::optional<Counts> left_before;
  std::optional<Counts> left_now;
  const auto take = [](std::optional<Counts>& counts, std::string_view text) {
    if (counts) --(*counts)[text];
  };
  const auto is_left = [](const std::optional<Counts>& counts, std::string_view text) {
    const auto found = counts->find(text);
    return found != counts->end() && found->second > 0;
  };
  const auto drop = [&] {
    take(left_before, lines[i].of(before));
    diff.gone.push_back(lines[i++]);
  };
  while (i < old_end) {
    if (j < new_end && is_same(i, j)) {
      take(left_before, lines[i].of(before));
      take(left_now, fresh[j].of(now));
      fresh[j++].number = lines[i++].number;
    } else if (j == new_end || (i + 1 < old_end && is_same(i + 1, j))) {
      drop();
    } else if (j + 1 < new_end && is_same(i, j + 1)) {
      take(left_now, fresh[j++].of(now));
    } else {
      if (!left_before) {
        left_before = count(before, lines, i, old_end);
        left_now = count(now, fresh, j, new_end);
      }
      if (is_left(left_now, lines[i].of(before)) && !is_left(left_before, fresh[j].of(now))) {
        take(left_now, fresh[j++].of(now));
      } else {
        drop();
      }
    }
  }
  std::vector<size_t> come;
  for (size_t at = first; at < new_end; ++at) {
    if (fresh[at].number == 0) come.push_back(at);
  }
  if (!fill_numbers(fresh)) return std::nullopt;
  for (const size_t at : come) diff.come.push_back(fresh[at]);
  return diff;
}

}  // namespace burrow::dns
