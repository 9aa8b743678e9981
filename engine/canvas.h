// A grid of characters to draw boxes and lines on. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace burrow::engine {

/// Which characters lines are made of.
enum class Glyphs { box_drawing, ascii };

/// Grows as it is drawn on; every cell is one column wide. Text is ASCII, lines may be more.
class Canvas {
 public:
  void text(size_t column, size_t row, std::string_view text);
  /// One character, box drawing included.
  void put(size_t column, size_t row, char32_t character);
  void horizontal(size_t first, size_t last, size_t row, char32_t character);
  void vertical(size_t column, size_t first, size_t last, char32_t character);
  [[nodiscard]] size_t height() const { return rows_.size(); }

  /// All lines, without trailing blanks.
  [[nodiscard]] std::string render(Glyphs glyphs) const;

 private:
  std::vector<std::u32string> rows_;
};

}  // namespace burrow::engine
