#include "firewall/session.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>

#include "firewall/messages.h"

namespace burrow::firewall {
namespace {

// Requests in flight at once: their answers must fit the socket even at the system's own limit.
constexpr size_t kMostLookupsAtOnce = 32;

}  // namespace

Result<Found> Session::look_up(std::span<const Element> elements) {
  Found found;
  found.elements.resize(elements.size());
  // The generation comes first: what is read after it is at least as new.
  Messages requests;
  put_get_generation(requests);
  size_t done = 0;
  do {
    const auto now = elements.subspan(done, std::min(elements.size() - done, kMostLookupsAtOnce));
    const size_t others = requests.count();
    for (const auto& element : now) put_get_element(requests, element);
    std::vector<ElementReader> readers(now.size());
    const auto read = [&](const nlmsghdr& message) -> Result<void> {
      if (const auto generation = read_generation(message)) found.generation = *generation;
      // Sequence numbers count from 1.
      if (message.nlmsg_seq <= others || message.nlmsg_seq > others + readers.size()) return {};
      return readers[message.nlmsg_seq - 1 - others].read(message);
    };
    for (const auto& refusal : TRY(socket_.request(requests, read))) {
      if (refusal.code != ENOENT) return system_failure(refusal.code, "look into the firewall");
    }
    for (size_t i = 0; i < readers.size(); ++i) {
      auto there = readers[i].take();
      if (!there.empty()) found.elements[done + i] = std::move(there.front());
    }
    done += now.size();
    requests.clear();
  } while (done < elements.size());
  return found;
}

Result<std::vector<Element>> Session::read_set(SetName set) {
  ElementReader reader;
  auto outcome = socket_.dump(
      [&](Messages& messages) { put_dump_elements(messages, shape_of(set).name); },
      [&](const nlmsghdr& message) { return reader.read(message); }, [&] { reader = {}; });
  // Without a table there is nothing in it.
  if (!outcome && outcome.error().code != Errc::not_found) {
    return Failure{std::move(outcome).error()};
  }
  return reader.take();
}

Result<std::vector<Element>> Session::read_most_of(SetName set) {
  ElementReader reader;
  auto outcome = socket_.dump_loosely(
      [&](Messages& messages) { put_dump_elements(messages, shape_of(set).name); },
      [&](const nlmsghdr& message) { return reader.read(message); });
  if (!outcome && outcome.error().code != Errc::not_found) {
    return Failure{std::move(outcome).error()};
  }
  auto elements = reader.take();
  std::ranges::sort(elements);
  elements.erase(std::ranges::unique(elements).begin(), elements.end());
  return elements;
}

Result<std::vector<std::string>> Session::chains() {
  std::vector<std::string> names;
  TRY_VOID(socket_.dump([](Messages& messages) { put_dump_chains(messages); },
                        [&](const nlmsghdr& message) -> Result<void> {
                          if (auto name = read_chain_name(message)) names.push_back(*name);
                          return {};
                        },
                        [&] { names.clear(); }));
  return names;
}

Result<std::vector<KernelChain>> Session::whole_chains() {
  std::vector<KernelChain> found;
  TRY_VOID(socket_.dump([](Messages& messages) { put_dump_chains(messages); },
                        [&](const nlmsghdr& message) -> Result<void> {
                          if (auto chain = read_chain(message)) found.push_back(*std::move(chain));
                          return {};
                        },
                        [&] { found.clear(); }));
  return found;
}

Result<std::vector<KernelRule>> Session::rules() {
  std::vector<KernelRule> found;
  TRY_VOID(socket_.dump([](Messages& messages) { put_dump_rules(messages); },
                        [&](const nlmsghdr& message) -> Result<void> {
                          if (auto rule = read_rule(message)) found.push_back(*std::move(rule));
                          return {};
                        },
                        [&] { found.clear(); }));
  return found;
}

Result<std::vector<KernelSet>> Session::sets() {
  std::vector<KernelSet> found;
  TRY_VOID(socket_.dump([](Messages& messages) { put_dump_sets(messages); },
                        [&](const nlmsghdr& message) -> Result<void> {
                          if (auto set = firewall::read_set(message)) found.push_back(*set);
                          return {};
                        },
                        [&] { found.clear(); }));
  return found;
}

}  // namespace burrow::firewall
