#include "netstack/firewalld_access.h"

#include <algorithm>

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

Result<firewall::Firewalld*> FirewalldAccess::require() {
  if (state_ == State::unknown) {
    auto found = TRY(firewall::Firewalld::find(std::max(patience_, kDriverPatience)));
    state_ = found ? State::found : State::absent;
    if (found) firewalld_ = std::make_unique<firewall::Firewalld>(*std::move(found));
  }
  if (state_ == State::absent) {
    return fail(Errc::unsupported, "firewall driver \"firewalld\": firewalld does not run");
  }
  if (state_ == State::silent) {
    return fail(Errc::timeout, "firewall driver \"firewalld\": firewalld has not answered before");
  }
  if (!is_patient_) firewalld_->be_patient(std::max(patience_, kDriverPatience));
  is_patient_ = true;
  return firewalld_.get();
}

void FirewalldAccess::complain(const Error& error, std::string_view meaning) {
  log::error("firewall", "{}: {}", error.message, meaning);
  if (error.code == Errc::timeout || error.code == Errc::changed) give_up();
}

}  // namespace burrow::netstack
