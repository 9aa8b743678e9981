#include "dns/log_listeners.h"

#include "core/result.h"

namespace burrow::dns {

void LogListeners::add(std::shared_ptr<Conversation> listener) {
  listeners_.push_back({std::move(listener), 0});
}

void LogListeners::remove(const Conversation* listener) {
  std::erase_if(listeners_,
                [&](const Listener& each) { return each.conversation.get() == listener; });
}

void LogListeners::tell(std::string line) {
  line += '\n';
  // Saying may end a conversation, which then takes itself off the list.
  const auto conversations = listeners_;
  for (const auto& listener : conversations) {
    const bool is_taken =
        listener.lost == 0
            ? listener.conversation->say(line)
            : listener.conversation->say(fmt::format("{{\"lost\":{}}}\n{}", listener.lost, line));
    for (auto& kept : listeners_) {
      if (kept.conversation == listener.conversation) kept.lost = is_taken ? 0 : kept.lost + 1;
    }
  }
}

void LogListeners::lose(size_t lines) {
  for (auto& listener : listeners_) listener.lost += lines;
}

}  // namespace burrow::dns
