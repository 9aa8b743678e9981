// Columns of text for people. Pure.
#pragma once

#include <string>
#include <vector>

namespace burrow::engine {

using Row = std::vector<std::string>;

/// Renders rows, the heading first, in columns that are as wide as they must be, two blanks apart,
/// without trailing blanks.
std::string render_table(const std::vector<Row>& rows);

}  // namespace burrow::engine
