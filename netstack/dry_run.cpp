#include "netstack/dry_run.h"

#include "netstack/step_json.h"

namespace burrow::netstack {
namespace {

using Command = PendingRecord::Command;

std::string_view word_of(Command command) {
  return command == Command::setup ? "setup" : "teardown";
}

// A numbered table: one title and its steps after the other.
class Table {
 public:
  explicit Table(std::string first_line) : text_(std::move(first_line)) {}

  void add(std::string_view title, const Steps& steps) {
    if (steps.empty()) return;
    text_ += fmt::format("{}\n", title);
    for (const auto& step : steps) {
      // Elements of the firewall follow their step on lines of their own.
      text_ += fmt::format("{:>4}. {}\n", ++count_, to_string(step));
    }
  }
  void add_line(std::string_view line) { text_ += fmt::format("{}\n", line); }
  [[nodiscard]] bool has_steps() const { return count_ > 0; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  int count_ = 0;
};

Json encode(const Recovery& recovery) {
  Json json{{"command", word_of(recovery.command)},
            {"netns", recovery.netns},
            {"steps", encode(recovery.steps)}};
  if (!recovery.put_back.empty()) json["put_back"] = encode(recovery.put_back);
  return json;
}

}  // namespace

Recovery recovery_of(const PendingRecord& pending) {
  Recovery recovery{
      .command = pending.command,
      .netns = pending.netns,
      .steps = pending.command == Command::setup ? invert(pending.steps) : pending.steps,
      .put_back = invert(pending.put_back)};
  // Attachments that were half ended are ended in whole before they are made again.
  recovery.put_back.insert(recovery.put_back.end(), pending.put_back.begin(),
                           pending.put_back.end());
  return recovery;
}

std::string to_text(const DryRun& run) {
  Table table{fmt::format("{} in {}\n", word_of(run.command), run.netns)};
  table.add("first, what earlier commands could not take back is tried again:", run.retried);
  if (run.recovery) {
    table.add(run.recovery->command == Command::setup
                  ? fmt::format("first, a set-up in {} that was cut short is taken back:",
                                run.recovery->netns)
                  : fmt::format("first, a teardown of {} that was cut short is finished:",
                                run.recovery->netns),
              run.recovery->steps);
    table.add("first, what a set-up that was cut short had ended comes back:",
              run.recovery->put_back);
  }
  table.add("then, what is on record of the container is ended:", run.replaced);
  table.add(table.has_steps() ? "then:" : "steps:", run.steps);
  if (run.replaced.empty() && run.steps.empty()) table.add_line("nothing to do");
  if (run.answer) table.add_line(fmt::format("answer:\n  {}", *run.answer));
  for (const auto& note : run.notes) table.add_line(fmt::format("note: {}", note));
  table.add_line("nothing was changed");
  return table.text();
}

Json encode(const DryRun& run) {
  Json json{{"command", word_of(run.command)}, {"netns", run.netns}};
  if (!run.retried.empty()) json["retried"] = encode(run.retried);
  if (run.recovery) json["recovery"] = encode(*run.recovery);
  if (!run.replaced.empty()) json["replaced"] = encode(run.replaced);
  json["steps"] = encode(run.steps);
  // Our own text: what does not parse could not have been printed.
  if (run.answer) json["answer"] = Json::parse(*run.answer, nullptr, false);
  if (!run.notes.empty()) json["notes"] = run.notes;
  return json;
}

}  // namespace burrow::netstack
