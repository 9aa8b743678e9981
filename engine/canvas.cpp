#include "engine/canvas.h"

namespace burrow::engine {
namespace {

void put_utf8(std::string& text, char32_t character) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  if (character < 0x80) {
    text += byte(character);
  } else if (character < 0x800) {
    text += byte(0xc0 | character >> 6U);
    text += byte(0x80 | (character & 0x3fU));
  } else {
    text += byte(0xe0 | character >> 12U);
    text += byte(0x80 | (character >> 6U & 0x3fU));
    text += byte(0x80 | (character & 0x3fU));
  }
}

char ascii_of(char32_t character) {
  if (character < 0x80) return static_cast<char>(character);
  switch (character) {
    case U'─':
    case U'━':
    case U'┄':
      return '-';
    case U'│':
    case U'┃':
    case U'┆':
      return '|';
    case U'→':
      return '>';
    default:
      return '+';
  }
}

}  // namespace

void Canvas::put(size_t column, size_t row, char32_t character) {
  if (rows_.size() <= row) rows_.resize(row + 1);
  auto& line = rows_[row];
  if (line.size() <= column) line.resize(column + 1, U' ');
  line[column] = character;
}

void Canvas::text(size_t column, size_t row, std::string_view text) {
  for (const char c : text) put(column++, row, static_cast<unsigned char>(c));
}

void Canvas::horizontal(size_t first, size_t last, size_t row, char32_t character) {
  for (auto column = first; column <= last; ++column) put(column, row, character);
}

void Canvas::vertical(size_t column, size_t first, size_t last, char32_t character) {
  for (auto row = first; row <= last; ++row) put(column, row, character);
}

std::string Canvas::render(Glyphs glyphs) const {
  std::string text;
  for (const auto& row : rows_) {
    const auto end = row.find_last_not_of(U' ') + 1;
    for (size_t i = 0; i < end; ++i) {
      if (glyphs == Glyphs::ascii) {
        text += ascii_of(row[i]);
      } else {
        put_utf8(text, row[i]);
      }
    }
    text += '\n';
  }
  return text;
}

}  // namespace burrow::engine
