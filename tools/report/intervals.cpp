#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/scale.h"
#include <fmt/format.h>

namespace phlox::report {

std::string draw_intervals(const std::string &title,
                           const std::vector<IntervalRow> &rows) {
  constexpr double width = 480, left = 12, right = 468, step = 34;
  Range range;
  for (const IntervalRow &row : rows) {
    range.add(row.middle);
    range.add(row.low);
    range.add(row.high);
  }
  if (range.empty())
    return "";
  range.pad(0.05);
  auto x = [&](double value) {
    return left +
           (value - range.low) / (range.high - range.low) * (right - left);
  };
  const double bottom = step * static_cast<double>(rows.size()) + 6;
  std::string out = fmt::format(
      "<figure class=\"intervals\"><figcaption><b>{0}</b></figcaption><svg "
      "viewBox=\"0 0 {1} {2}\" role=\"img\" aria-label=\"{0}\"><g "
      "class=\"axes\">",
      escape(title), width, bottom + 22);
  for (double mark : ticks(range, 5))
    out += fmt::format("<path d=\"M{0:.2f} 4V{1}\"/><text x=\"{0:.2f}\" "
                       "y=\"{2}\" class=\"x\">{3}</text>",
                       x(mark), bottom, bottom + 15, compact(mark));
  out += "</g>";
  double y = 0;
  for (const IntervalRow &row : rows) {
    out += fmt::format("<g style=\"--c:{}\"><text x=\"{}\" y=\"{}\"><tspan "
                       "class=\"value\">{}</tspan> {}</text>",
                       colour(row.group), left, y + 15,
                       escape(readable(row.middle)), escape(row.label));
    if (std::isfinite(row.low) && std::isfinite(row.high))
      out += fmt::format("<path class=\"bar\" d=\"M{:.2f} {:.2f}H{:.2f}\"/>",
                         x(row.low), y + 26, x(row.high));
    if (std::isfinite(row.middle))
      out += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"5\"/>",
                         x(row.middle), y + 26);
    out += "</g>";
    y += step;
  }
  return out + "</svg></figure>\n";
}

} // namespace phlox::report
