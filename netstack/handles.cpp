#include "netstack/handles.h"

namespace burrow::netstack {

Result<ContainerHandle> ContainerHandle::open(host::NetNs netns) {
  auto thread = TRY(host::NetNsThread::start(netns));
  auto route = TRY(thread.run([] { return host::RouteSocket::open(); }));
  return ContainerHandle{std::move(netns), std::move(thread), std::move(route)};
}

}  // namespace burrow::netstack
