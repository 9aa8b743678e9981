#include "engine/topology.h"

#include <algorithm>

#include "engine/describe.h"

namespace burrow::engine {
namespace {

constexpr size_t kTrunk = 1;          // column of the line from the host to its networks
constexpr size_t kNetworkColumn = 3;  // left edge of a network's box
constexpr size_t kRail = 5;           // column of the line from a bridge to its containers
constexpr size_t kFirstBox = 7;       // left edge of the first container of a row
constexpr size_t kGap = 2;

struct Box {
  std::string title;
  std::vector<std::string> lines;

  [[nodiscard]] size_t width() const {
    size_t inner = title.size() + 3;
    for (const auto& line : lines) inner = std::max(inner, line.size() + 2);
    return inner + 2;
  }
  [[nodiscard]] size_t height() const { return lines.size() + 2; }
};

struct Strokes {
  char32_t horizontal, vertical, top_left, top_right, bottom_left, bottom_right;
};
constexpr Strokes kHeavy{U'━', U'┃', U'┏', U'┓', U'┗', U'┛'};
constexpr Strokes kLight{U'─', U'│', U'┌', U'┐', U'└', U'┘'};

void draw_box(Canvas& canvas, size_t column, size_t row, const Box& box, const Strokes& strokes) {
  const auto right = column + box.width() - 1;
  const auto bottom = row + box.height() - 1;
  canvas.horizontal(column, right, row, strokes.horizontal);
  canvas.horizontal(column, right, bottom, strokes.horizontal);
  canvas.vertical(column, row, bottom, strokes.vertical);
  canvas.vertical(right, row, bottom, strokes.vertical);
  canvas.put(column, row, strokes.top_left);
  canvas.put(right, row, strokes.top_right);
  canvas.put(column, bottom, strokes.bottom_left);
  canvas.put(right, bottom, strokes.bottom_right);
  canvas.text(column + 1, row, " " + box.title + " ");
  for (size_t i = 0; i < box.lines.size(); ++i) {
    canvas.text(column + 2, row + 1 + i, box.lines[i]);
  }
}

Box network_box(const NetworkView& view) {
  const auto& network = view.network;
  Box box{.title = "network " + network.name.str(), .lines = {}};
  box.lines.push_back("bridge " + (network.interface ? network.interface->str() : "?"));
  for (const auto& subnet : network.subnets) {
    auto line = subnet.network.to_string();
    if (subnet.gateway) line += "  gateway " + subnet.gateway->to_string();
    box.lines.push_back(std::move(line));
  }
  std::string traits = network.has_dns ? "DNS on" : "DNS off";
  if (network.is_internal) traits += ", internal: no way outside";
  for (const auto& [key, word] : network.options) traits += fmt::format(", {}={}", key, word);
  box.lines.push_back(std::move(traits));
  return box;
}

Box container_box(const Container& container, const NetworkName& network) {
  Box box{.title = container.name.str(), .lines = {}};
  std::vector<std::string> others;
  for (const auto& attachment : container.attachments) {
    if (attachment.network != network) {
      others.push_back(attachment.network.str());
      continue;
    }
    std::string label = attachment.interface.str();
    for (const auto& lease : attachment.leases) {
      box.lines.push_back(
          fmt::format("{:<{}} {}", label, attachment.interface.str().size(), lease.to_string()));
      label.clear();
    }
    if (attachment.leases.empty()) box.lines.push_back(label);
  }
  for (const auto& port : container.ports) box.lines.push_back(describe_ports({port}));
  if (!others.empty()) box.lines.push_back(fmt::format("also on {}", fmt::join(others, ", ")));
  return box;
}

// Boxes that fit beside each other.
using BoxRow = std::vector<Box>;

std::vector<BoxRow> break_rows(const NetworkView& view, size_t width) {
  std::vector<BoxRow> rows;
  size_t column = 0;
  for (const auto& container : view.containers) {
    auto box = container_box(container, view.network.name);
    const bool fits = !rows.empty() && column + kGap + box.width() <= width;
    if (!fits) {
      rows.emplace_back();
      column = kFirstBox;
    } else {
      column += kGap;
    }
    column += box.width();
    rows.back().push_back(std::move(box));
  }
  return rows;
}

enum class Position { middle, last };

// A rail along the tops of the boxes, with a branch down to each.
size_t draw_row(Canvas& canvas, size_t row, const BoxRow& boxes, Position position) {
  const auto rail = row;
  const auto top = row + 1;
  size_t column = kFirstBox;
  size_t height = 0;
  canvas.put(kRail, rail, position == Position::last ? U'└' : U'├');
  size_t reached = kRail;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const auto& box = boxes[i];
    // A branch meets its box between the title and the corner.
    const auto branch = column + box.width() - 3;
    draw_box(canvas, column, top, box, kLight);
    canvas.horizontal(reached + 1, branch, rail, U'─');
    canvas.put(branch, rail, i + 1 == boxes.size() ? U'┐' : U'┬');
    canvas.put(branch, top, U'┴');
    reached = branch;
    height = std::max(height, box.height());
    column += box.width() + kGap;
  }
  const auto bottom = top + height;
  if (position == Position::middle) canvas.vertical(kRail, rail + 1, bottom - 1, U'│');
  return bottom;
}

size_t draw_network(Canvas& canvas, size_t row, const NetworkView& view, size_t width) {
  const auto box = network_box(view);
  draw_box(canvas, kNetworkColumn, row, box, kHeavy);
  row += box.height();
  const auto rows = break_rows(view, width);
  if (rows.empty()) return row;
  canvas.put(kRail, row - 1, U'┯');
  for (size_t i = 0; i < rows.size(); ++i) {
    row = draw_row(canvas, row, rows[i], i + 1 == rows.size() ? Position::last : Position::middle);
  }
  return row;
}

}  // namespace

std::string draw_topology(const std::string& host, const std::vector<NetworkView>& networks,
                          const TopologyStyle& style) {
  Canvas canvas;
  canvas.text(0, 0, "host " + host);
  if (networks.empty()) canvas.text(0, 1, "no networks: make one with burrow network create");
  std::vector<size_t> branches;
  size_t row = 2;
  for (const auto& view : networks) {
    branches.push_back(row + 1);
    row = draw_network(canvas, row, view, style.width) + 1;
  }
  if (!branches.empty()) canvas.vertical(kTrunk, 1, branches.back(), U'│');
  for (size_t i = 0; i < branches.size(); ++i) {
    canvas.put(kTrunk, branches[i], i + 1 == branches.size() ? U'└' : U'├');
    canvas.put(kTrunk + 1, branches[i], networks[i].network.is_internal ? U'┄' : U'─');
    canvas.put(kNetworkColumn, branches[i], U'┨');
  }
  return canvas.render(style.glyphs);
}

}  // namespace burrow::engine
