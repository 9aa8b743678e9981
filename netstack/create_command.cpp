#include "netstack/create_command.h"

#include "core/log.h"
#include "host/clock.h"
#include "host/random.h"
#include "host/rtnetlink.h"
#include "netstack/create.h"

namespace burrow::netstack {

Result<std::string> create(std::string_view text, const PluginSettings& plugins) {
  auto request = decode_create_request(text);
  if (!request) return with_context(std::move(request).error(), "failed to load network create");
  auto route = TRY(host::RouteSocket::open());
  const CreateSurroundings surroundings{
      .now = host::timestamp(),
      // The planner only needs bits; a kernel without randomness cannot even have booted.
      .random = [] { return host::random_bits().value_or(0); },
      .is_link =
          [&](const LinkName& name) {
            const auto link = route.find_link(name);
            if (!link) log::warn("netstack", "{}", link.error().message);
            return link && *link;
          },
      .plugin = [&](const Network& network) { return plugin_create(network, plugins); }};
  return encode(TRY(plan_create(*request, surroundings))).dump();
}

}  // namespace burrow::netstack
