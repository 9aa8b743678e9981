"""Tables and plots of benchmark figures, by nothing but text."""

import html
import math
import pathlib

COLOURS = ("#d1495b", "#30638e", "#edae49", "#66a182", "#8d6cab", "#6b6b6b")
WIDTH, HEIGHT = 520, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 56, 44


def table(heads, rows):
    """Rows under heads as aligned text; all but the first column to the right."""
    cells = [list(map(str, row)) for row in [heads, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = []
    for row in cells:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([first, *rest]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def milliseconds(microseconds):
    """A time for a table: three significant digits or so."""
    value = microseconds / 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def ratio(value, base):
    return f"{value / base:.2f}" if base else "-"


def smooth(values, window):
    """Medians of `values` over a window round each place, as (place from 1, median)."""
    points = []
    for place in range(0, len(values), max(1, window // 2)):
        near = sorted(values[max(0, place - window // 2):place + window // 2 + 1])
        points.append((place + 1, near[len(near) // 2]))
    return points


def charts(path, panels):
    """Writes an SVG of `panels` side by side: (title, x label, y label, {name: [(x, y)]}).
    The y axis is logarithmic: contenders are orders of magnitude apart."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * len(panels)}" '
             f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>']
    for place, panel in enumerate(panels):
        parts.append(f'<g transform="translate({WIDTH * place} 0)">')
        parts += _panel(*panel)
        parts.append("</g>")
    parts.append("</svg>")
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text("\n".join(parts) + "\n")


def _panel(title, x_label, y_label, series):
    points = [point for line in series.values() for point in line if point[1] > 0]
    if not points:
        return []
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low = 10 ** math.floor(math.log10(min(y for _, y in points)))
    y_high = 10 ** math.ceil(math.log10(max(y for _, y in points)))
    if y_low == y_high:
        y_high *= 10

    def at(x, y):
        across = (x - x_low) / (x_high - x_low) if x_high > x_low else 0.5
        up = math.log(y / y_low) / math.log(y_high / y_low)
        return (LEFT + across * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM))

    parts = [f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold">'
             f'{html.escape(title)}</text>']
    y = y_low
    while y <= y_high * 1.001:
        _, height = at(x_low, y)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" '
                     'stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{y:g}</text>')
        y *= 10
    for x in sorted({x_low, round((x_low + x_high) / 2), x_high}):
        across, _ = at(x, y_low)
        parts.append(f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 16}" '
                     f'text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">'
                 f'{html.escape(x_label)}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 6}">{html.escape(y_label)}</text>')
    across = LEFT
    for (name, line), colour in zip(series.items(), COLOURS * len(series)):
        places = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in line if y > 0)
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" '
                     'stroke-width="1.8"/>')
        if len(line) < 10:
            parts += ['<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>'.format(*at(x, y), colour)
                      for x, y in line if y > 0]
        parts.append(f'<rect x="{across}" y="26" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{across + 14}" y="35">{html.escape(name)}</text>')
        across += 26 + 7 * len(name)
    return parts
