// Lines and words of the small text files of /etc. Pure.
#pragma once

#include <string_view>
#include <vector>

namespace burrow::engine {

/// The lines of `text`, without their ends.
std::vector<std::string_view> lines_of(std::string_view text);
/// The words of `line` up to a '#', split at blanks.
std::vector<std::string_view> words_of(std::string_view line);

}  // namespace burrow::engine
