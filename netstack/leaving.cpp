#include "netstack/leaving.h"

#include <algorithm>

#include "core/log.h"

namespace burrow::netstack {

namespace fs = std::filesystem;

namespace {

Result<TeardownRequest> decode(const Result<std::string>& text) {
  if (!text) return Failure{text.error()};
  auto asked = decode_teardown_request(*text);
  if (!asked) return with_context(std::move(asked).error(), "failed to load network options");
  return asked;
}

}  // namespace

Result<std::vector<Leaving>> who_leaves(const std::string& netns,
                                        const Result<std::string>& request,
                                        const Journal& journal) {
  std::vector<Leaving> leaving;
  auto asked = decode(request);
  if (!asked) {
    for (const auto& record : TRY(journal.all_attachments())) {
      if (record.netns != netns) continue;
      const auto known = std::ranges::find(leaving, record.container, &Leaving::container);
      if (known != leaving.end()) {
        known->networks.push_back(record.network);
      } else {
        leaving.push_back({record.container, {record.network}, {{record.container}, {}, {}}});
      }
    }
    if (!leaving.empty()) return leaving;
    return Failure{std::move(asked).error()};
  }
  Leaving one{.container = asked->request.container, .asked = *asked};
  const auto records = TRY(journal.attachments(one.container));
  if (asked->networks) {
    one.networks = *asked->networks;
  } else {
    for (const auto& record : records) one.networks.push_back(record.network);
  }
  // What does not decode matters only for networks that have no record.
  const bool has_all = std::ranges::all_of(one.networks, [&](const NetworkName& name) {
    return std::ranges::find(records, name, &AttachmentRecord::network) != records.end();
  });
  if (has_all && !one.networks.empty()) one.asked.errors.clear();
  leaving.push_back(std::move(one));
  return leaving;
}

Result<SetupRequest> without_records(const SetupRequest& request, const Snapshot& snapshot,
                                     const std::string& netns, const Journal& journal) {
  // What had a record is not looked for again: another container may live in a namespace of the
  // same name by now.
  auto rest = request;
  std::erase_if(rest.attachments, [&](const AttachmentRequest& asked) {
    return std::ranges::find(snapshot.attachments, asked.network.name,
                             &AttachmentRecord::network) != snapshot.attachments.end();
  });
  if (rest.attachments.empty()) return rest;
  // Nor is what another container has on record in this namespace.
  for (const auto& record : TRY(journal.all_attachments())) {
    if (record.netns != netns) continue;
    std::erase_if(rest.attachments, [&](const AttachmentRequest& asked) {
      return asked.interface == record.interface;
    });
  }
  return rest;
}

std::optional<ContainerHandle> open_container(const fs::path& path) {
  auto netns = host::NetNs::open(path);
  if (!netns) {
    log::warn("netstack", "container netns not found, going on without it: {}",
              netns.error().message);
    return std::nullopt;
  }
  auto container = ContainerHandle::open(*std::move(netns));
  if (container) return *std::move(container);
  log::warn("netstack", "{}", container.error().message);
  return std::nullopt;
}

}  // namespace burrow::netstack
