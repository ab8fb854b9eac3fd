// Draws a timeline: a lane for each candidate, numbered events above, what they were below.
#include "cli/text.hpp"
#include "cli/timeline.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace coelect::cli {
namespace {

constexpr double width = 960;
constexpr double least_left = 64, most_left = 320, right = width - 32;
constexpr double name_letter = 11;  // of a candidate's name, at 16 px
constexpr double marks_top = 92, mark_radius = 9, mark_step = 23;
constexpr double lane_height = 46, bar_height = 28;
constexpr double row_height = 23;
constexpr double letter = 6.9;  // width of a letter at 12.5 px; on the safe side

constexpr std::array colors{"#2563eb", "#0d8a6a", "#c2570c", "#7c3aed"};
constexpr char const* stopped_color = "#94a3b8";  // shows where a stopped one's term is over
char const* color_of(std::size_t who) { return colors[who % colors.size()]; }

double seconds(timeline::time t) { return std::chrono::duration<double>(t).count(); }

std::string number(double v) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", v);
  return text.data();
}

std::string escaped(std::string const& text) {
  std::string result;
  for (char const c : printable(text)) {
    if (c == '&') result += "&amp;";
    else if (c == '<') result += "&lt;";
    else if (c == '>') result += "&gt;";
    else if (c == '"') result += "&quot;";
    else result += c;
  }
  return result;
}

std::string text_at(double x, double y, std::string const& attributes, std::string const& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + attributes + ">" + escaped(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, std::string const& attributes) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
         "\" " + attributes + "/>\n";
}

std::string box(double x, double y, double w, double h, std::string const& attributes) {
  return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(w) + "\" height=\"" + number(h) +
         "\" " + attributes + "/>\n";
}

/// One line of the list below the lanes, and the numbered mark above them.
struct mark {
  timeline::time at;
  std::size_t who;
  std::string text;
  double x = 0;
  int level = 0;
};

class drawing {
public:
  drawing(timeline const& what, timeline_labels const& labels) : what_(what), labels_(labels) {
    for (auto const& name : labels.candidates)
      left_ = std::clamp(36 + name_letter * static_cast<double>(name.size()), left_, most_left);  // the widest
    collect_marks();
    lanes_top_ = marks_top + (levels_ + 1) * mark_step;
    axis_ = lanes_top_ + lane_height * static_cast<double>(labels_.candidates.size()) + 10;
    list_top_ = axis_ + 76;
  }

  std::string document() {
    auto const height = list_top_ + row_height * static_cast<double>(marks_.size()) + 8;
    std::string const size = "width=\"" + number(width) + "\" height=\"" + number(height) + "\"";
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" " + size + " viewBox=\"0 0 " + number(width) + " " +
           number(height) + "\" role=\"img\" font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n";
    out_ += "<title>" + escaped(labels_.title) + "</title>\n";
    out_ += R"(<defs><pattern id="stopped" width="8" height="8" patternUnits="userSpaceOnUse" )"
            R"x(patternTransform="rotate(45)"><rect width="4" height="8" fill="#fff" fill-opacity="0.35"/></pattern>)x"
            "</defs>"
            "\n";
    out_ += box(0.5, 0.5, width - 1, height - 1, R"(rx="10" fill="#fff" stroke="#e2e8f0")");
    out_ += text_at(24, 38, R"(font-size="20" font-weight="600" fill="#0f172a")", labels_.title);
    out_ += text_at(24, 60, R"(font-size="13" fill="#64748b")", labels_.subtitle);
    draw_axis();
    draw_lanes();
    draw_gaps();
    draw_marks();
    draw_list();
    return out_ + "</svg>\n";
  }

private:
  double x_of(timeline::time t) const {
    auto const all = std::max(seconds(what_.length()), 0.001);
    return left_ + (right - left_) * std::clamp(seconds(t) / all, 0.0, 1.0);
  }
  double lane_middle(std::size_t who) const { return lanes_top_ + lane_height * (static_cast<double>(who) + 0.5); }

  void collect_marks() {
    for (auto const& n : what_.notes()) marks_.push_back({n.at, n.who, n.text});
    auto const earlier = [](mark const& a, mark const& b) { return a.at < b.at; };
    std::stable_sort(marks_.begin(), marks_.end(), earlier);
    std::vector<double> free_from;  // by level
    for (auto& m : marks_) {
      m.x = x_of(m.at);
      std::size_t level = 0;
      while (level < free_from.size() && free_from[level] > m.x) ++level;
      if (level == free_from.size()) free_from.push_back(0);
      free_from[level] = m.x + 2 * mark_radius + 4;
      m.level = static_cast<int>(level);
    }
    levels_ = static_cast<double>(free_from.size());
  }

  void draw_axis() {
    auto const all = seconds(what_.length());
    double step = 0.5;
    for (double const nice : {1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0})
      if (all / step > 12) step = nice;
    out_ += line(left_, axis_, right, axis_, R"(stroke="#94a3b8")");
    for (double t = 0; t <= all + 1e-9; t += step) {
      auto const x = left_ + (right - left_) * t / std::max(all, 0.001);
      out_ += line(x, lanes_top_, x, axis_ + 5, R"(stroke="#e2e8f0")");
      std::array<char, 32> label{};
      std::snprintf(label.data(), label.size(), step < 1 ? "%.1f s" : "%.0f s", t);
      out_ += text_at(x, axis_ + 20, R"(font-size="12" fill="#64748b" text-anchor="middle")", label.data());
    }
    bool const replaced = !what_.lengths(timeline::cause::stop).empty();
    std::string const grey = replaced ? ", grey once it is replaced" : "";
    out_ += text_at(right, axis_ + 42, R"(font-size="12" fill="#64748b" text-anchor="end")",
                    "bar: leads · hatched: stopped" + grey + " · thin line: waits · no line: not running");
  }

  void draw_lanes() {
    for (std::size_t who = 0; who < labels_.candidates.size(); ++who) {
      auto const name = std::string(R"(font-size="16" font-weight="600" fill=")") + color_of(who) + "\"";
      out_ += text_at(28, lane_middle(who) + 5.5, name, labels_.candidates[who]);
    }
    for (auto const& p : what_.presences()) {
      auto const style = std::string(R"(stroke-width="3" stroke-linecap="round" stroke-opacity="0.35" stroke=")") +
                         color_of(p.who) + "\"";
      out_ += line(x_of(p.begin), lane_middle(p.who), x_of(*p.end), lane_middle(p.who), style);
    }
    for (auto const& p : what_.pauses()) draw_bar(p, stopped_color);
    for (auto const& term : what_.terms()) draw_bar(term, color_of(term.who));
    for (auto const& p : what_.pauses()) {
      auto const x = x_of(p.begin);
      out_ += box(x, lane_middle(p.who) - bar_height / 2, std::max(2.0, x_of(*p.end) - x), bar_height,
                  R"x(fill="url(#stopped)")x");
    }
    for (auto const& p : what_.pauses()) draw_words(p.begin, *p.end, p.who, {"stopped"});
    for (auto const& term : what_.terms()) label_term(term);
  }

  void draw_bar(timeline::stretch const& part, std::string const& color) {
    auto const x = x_of(part.begin);
    auto const w = std::max(2.0, x_of(*part.end) - x);
    auto const fill = std::string(R"(rx="4" fill=")") + color + "\"";
    out_ += box(x, lane_middle(part.who) - bar_height / 2, w, bar_height, fill);
  }

  // Where a part of the term is hatched, the label goes into a plain one, rather the first.
  void label_term(timeline::stretch const& term) {
    auto const digits = std::to_string(term.token);
    auto const tail = digits.size() > 6 ? "…" + digits.substr(digits.size() - 4) : digits;
    auto begin = term.begin;
    auto end = *term.end;
    for (auto const& p : what_.pauses()) {
      bool const within = p.who == term.who && p.begin >= begin && p.begin < end;
      if (!within) continue;
      if (p.begin - begin >= (end - *p.end) * 3 / 4) end = p.begin;
      else begin = *p.end;
    }
    draw_words(begin, end, term.who, {"leads, token " + tail, "token " + tail, tail});
  }

  // The first of `choices` that fits between the two moments, in the middle.
  void draw_words(timeline::time begin, timeline::time end, std::size_t who, std::vector<std::string> choices) {
    auto const room = x_of(end) - x_of(begin) - 8;
    for (auto const& words : choices) {
      auto const shown = static_cast<double>(words.size()) - (words.find("…") != words.npos ? 2 : 0);
      if (shown * letter > room) continue;
      out_ += text_at((x_of(begin) + x_of(end)) / 2, lane_middle(who) + 4.5,
                      R"(font-size="12.5" fill="#fff" text-anchor="middle")", words);
      return;
    }
  }

  // From the end of one leader to the beginning of the next.
  void draw_gaps() {
    for (auto const& t : what_.take_overs()) {
      if (!t.end || !t.from) continue;
      auto const x1 = x_of(t.begin), x2 = x_of(*t.end);
      auto const top = lanes_top_, bottom = axis_ - 10;
      if (x2 - x1 >= 2) out_ += box(x1, top, x2 - x1, bottom - top, R"(fill="#dc2626" fill-opacity="0.10")");
      if (*t.from != t.to)
        out_ += line(x2, lane_middle(*t.from), x2, lane_middle(t.to),
                     R"(stroke="#475569" stroke-width="1.5" stroke-dasharray="3 3")");
    }
  }

  void draw_marks() {
    int count = 0;
    for (auto const& m : marks_) {
      auto const y = marks_top + m.level * mark_step;
      out_ += line(m.x, y + mark_radius, m.x, lane_middle(m.who) - bar_height / 2, R"(stroke="#cbd5e1")");
      draw_badge(m.x, y, ++count, color_of(m.who));
    }
  }

  void draw_badge(double x, double y, int count, std::string const& color) {
    out_ += "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"" + number(mark_radius) + "\" fill=\"" +
            color + "\"/>\n";
    out_ += text_at(x, y + 4, R"(font-size="11" font-weight="600" fill="#fff" text-anchor="middle")",
                    std::to_string(count));
  }

  void draw_list() {
    int count = 0;
    auto y = list_top_;
    for (auto const& m : marks_) {
      draw_badge(34, y - 4, ++count, color_of(m.who));
      std::array<char, 32> when{};
      std::snprintf(when.data(), when.size(), "%.2f s", seconds(m.at));
      out_ += text_at(104, y, R"(font-size="13" fill="#64748b" text-anchor="end")", when.data());
      out_ += text_at(120, y, R"(font-size="13" fill="#0f172a")", m.text);
      y += row_height;
    }
  }

  timeline const& what_;
  timeline_labels const& labels_;
  std::vector<mark> marks_;
  double left_ = least_left;
  double levels_ = 0, lanes_top_ = 0, axis_ = 0, list_top_ = 0;
  std::string out_;
};

}  // namespace

std::string draw(timeline const& what, timeline_labels const& labels) { return drawing(what, labels).document(); }

}  // namespace coelect::cli
