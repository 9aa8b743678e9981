#include "firewall/named_peers.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "firewall/elements.h"
#include "firewall/messages.h"
#include "firewall/netlink.h"

namespace burrow::firewall {
namespace {

// An element may end between two messages of a batch that concern it: then the batch is tried again
// (kernels before 6.8, which look at the clock for each).
constexpr int kAttempts = 3;

using enum SetName;

SetName set_of(const NamedPeer& peer) {
  const bool is_allowed = peer.verdict == PeerVerdict::allow;
  const bool is_v4 = peer.peer.is_v4();
  if (std::holds_alternative<LinkName>(peer.owner)) {
    if (is_allowed) return is_v4 ? network_egress_allow_named4 : network_egress_allow_named6;
    return is_v4 ? network_egress_deny_named4 : network_egress_deny_named6;
  }
  if (is_allowed) return is_v4 ? egress_allow_named4 : egress_allow_named6;
  return is_v4 ? egress_deny_named4 : egress_deny_named6;
}

std::string printable(std::string_view text) {
  std::string result{text.substr(0, kLongestOwner)};
  std::ranges::replace_if(
      result, [](unsigned char c) { return c < ' ' || c >= 0x7f || c == '"'; }, '_');
  return result;
}

Element element_of(const NamedPeer& peer, std::string_view comment) {
  Element element{.set = set_of(peer), .key = {}, .value = {}, .owner = printable(comment)};
  std::visit([&](const auto& owner) { element.key.emplace_back(owner); }, peer.owner);
  element.key.emplace_back(peer.peer);
  return element;
}

struct Timed {
  Element element;
  std::chrono::milliseconds time;
};

// Elements of one set share messages.
template <typename Use>
void for_each_set(std::span<const Timed> sorted, Use use) {
  while (!sorted.empty()) {
    std::vector<Element> elements;
    std::vector<std::chrono::milliseconds> whiles;
    for (const auto& one : sorted) {
      if (one.element.set != sorted.front().element.set) break;
      elements.push_back(one.element);
      whiles.push_back(one.time);
    }
    use(elements, whiles);
    sorted = sorted.subspan(elements.size());
  }
}

}  // namespace

bool is_storable(const NamedPeer& peer) {
  const auto* container = std::get_if<IpAddress>(&peer.owner);
  return container == nullptr || container->family() == peer.peer.family();
}

NamedPeers::NamedPeers(std::unique_ptr<NetfilterSocket> socket) : socket_(std::move(socket)) {}
NamedPeers::NamedPeers(NamedPeers&&) noexcept = default;
NamedPeers& NamedPeers::operator=(NamedPeers&&) noexcept = default;
NamedPeers::~NamedPeers() = default;

Result<NamedPeers> NamedPeers::open() {
  return NamedPeers{std::make_unique<NetfilterSocket>(TRY(NetfilterSocket::open()))};
}

Result<void> NamedPeers::change(std::span<const NamedPeer> gone, std::span<const TimedPeer> come) {
  if (gone.empty() && come.empty()) return {};
  std::vector<Timed> leaving;
  for (const auto& peer : gone) leaving.push_back({element_of(peer, ""), {}});
  std::vector<Timed> coming;
  for (const auto& one : come) coming.push_back({element_of(one.peer, one.comment), one.time});
  for (auto* all : {&leaving, &coming}) std::ranges::sort(*all, {}, &Timed::element);
  for (int attempt = 1;; ++attempt) {
    Messages batch;
    put_batch_begin(batch, std::nullopt);
    // Only newer kernels give an element that is there another time (6.12). All have it out and in
    // again within a transaction, which packets do not notice; and what was not there is, before it
    // is taken out.
    for (const auto* all : {&leaving, &coming}) {
      for_each_set(*all, [&](const auto& elements, const auto&) {
        put_ensure_elements(batch, elements);
        put_delete_elements(batch, elements);
      });
    }
    for_each_set(coming, [&](const auto& elements, const auto& whiles) {
      put_add_elements_for(batch, elements, whiles);
    });
    put_batch_end(batch);
    const auto refusals = TRY(socket_->commit(batch));
    if (refusals.empty()) return {};
    const auto& first = refusals.front();
    if (attempt < kAttempts && (first.code == ENOENT || first.code == EAGAIN)) continue;
    return system_failure(
        first.code, first.text.empty() ? "open names in the firewall"
                                       : fmt::format("open names in the firewall: {}", first.text));
  }
}

}  // namespace burrow::firewall
