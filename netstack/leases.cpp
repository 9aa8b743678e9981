#include "netstack/leases.h"

#include "core/log.h"

namespace burrow::netstack {

Result<dhcp::Client*> Leases::client() {
  if (!client_) {
    auto fresh = TRY(dhcp::Client::connect());
    // A proxy that hangs is found out before it is given the time that a lease may take.
    TRY_VOID(fresh.check());
    client_ = std::move(fresh);
  }
  return &*client_;
}

Result<void> Leases::acquire(const AcquireLease& step) {
  const auto& network = step.request.network;
  const auto ask = [&]() -> Result<std::vector<dhcp::Lease>> {
    auto* proxy = TRY(client());
    return proxy->set_up(step.request);
  };
  auto leases = ask();
  if (!leases) {
    return with_context(
        std::move(leases).error(),
        fmt::format("network \"{}\": unable to obtain a lease by the DHCP proxy", network));
  }
  granted_[network] = *std::move(leases);
  return {};
}

Result<void> Leases::keep() {
  if (granted_.empty() || !client_) return {};
  return client_->commit();
}

void Leases::release(const ReleaseLease& step) {
  const auto& [container, interface] = step.holder;
  const auto ask = [&]() -> Result<bool> {
    auto* proxy = TRY(client());
    return proxy->tear_down(step.holder);
  };
  const auto released = ask();
  if (!released) {
    // What the conversation says after this is no answer to what is asked next.
    client_.reset();
    log::warn("netstack",
              "the lease of \"{}\" of container {} is not given back and ends by itself: {}",
              interface, container, released.error().message);
  } else if (!*released) {
    log::info("netstack", "the DHCP proxy has no lease of \"{}\" of container {}", interface,
              container);
  }
}

}  // namespace burrow::netstack
