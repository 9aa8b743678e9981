#include "netstack/firewalld_access.h"

#include "core/log.h"
#include "firewall/firewalld.h"

namespace burrow::netstack {

FirewalldAccess::FirewalldAccess(std::chrono::milliseconds patience) : patience_(patience) {}
FirewalldAccess::FirewalldAccess(FirewalldAccess&& other) noexcept = default;
FirewalldAccess& FirewalldAccess::operator=(FirewalldAccess&& other) noexcept = default;
FirewalldAccess::~FirewalldAccess() = default;

firewall::Firewalld* FirewalldAccess::find() {
  if (state_ == State::unknown) {
    state_ = State::absent;
    auto found = firewall::Firewalld::find(patience_);
    if (!found) {
      complain(found.error(), "its zones are left as they are");
    } else if (*found) {
      firewalld_ = std::make_unique<firewall::Firewalld>(**std::move(found));
      state_ = State::found;
    }
  }
  return state_ == State::found ? firewalld_.get() : nullptr;
}

void FirewalldAccess::complain(const Error& error, std::string_view meaning) {
  log::error("firewall", "{}: {}", error.message, meaning);
  if (error.code == Errc::timeout || error.code == Errc::changed) state_ = State::absent;
}

}  // namespace burrow::netstack
