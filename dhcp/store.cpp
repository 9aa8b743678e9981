#include "dhcp/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "core/log.h"

namespace burrow::dhcp {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".json";
constexpr const char* kLockName = "lock";
constexpr size_t kLargestRecord = 256U << 10U;

Result<std::string> boot_identifier() {
  auto text = TRY(host::read_file("/proc/sys/kernel/random/boot_id", 64));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

Result<Store> Store::open(const fs::path& directory) {
  TRY_VOID(host::make_directories(directory));
  // Host names and client identifiers are nobody else's business.
  ::chmod(directory.c_str(), 0700);
  const auto lock_path = directory / kLockName;
  host::Fd lock{::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock.is_open()) return system_failure(errno, lock_path.native());
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::already_exists, "another burrow-dhcp keeps the leases in \"{}\"",
                directory.native());
  }
  auto boot = TRY(boot_identifier());
  return Store{directory, std::move(boot), std::move(lock)};
}

// Neither a container's identifier nor a link's name has a colon.
fs::path Store::path_of(const Holder& holder) const {
  return directory_ / fmt::format("{}:{}{}", holder.container, holder.interface, kSuffix);
}

Result<std::vector<LeaseRecord>> Store::load() const {
  std::vector<LeaseRecord> records;
  for (const auto& name : TRY(host::list_directory(directory_))) {
    if (!name.ends_with(kSuffix)) continue;
    const auto path = directory_ / name;
    const auto text = host::read_file(path, kLargestRecord);
    auto record = text ? decode_record(*text, boot_)
                       : Result<std::optional<LeaseRecord>>{Failure{text.error()}};
    if (record && *record && path_of((*record)->request.holder) != path) {
      record = fail(Errc::corrupt, "it is of another holder");
    }
    if (!record) {
      log::error("dhcp", "record \"{}\" put aside: {}", name, record.error().message);
      std::error_code ignored;
      fs::rename(path, directory_ / (name + ".damaged"), ignored);
      continue;
    }
    if (*record) {
      records.push_back(**std::move(record));
    } else {
      TRY_VOID(host::remove_file(path));
    }
  }
  return records;
}

Result<void> Store::save(const LeaseRecord& record) const {
  return host::write_file(path_of(record.request.holder), encode(record, boot_));
}

Result<void> Store::remove(const Holder& holder) const {
  return host::remove_file(path_of(holder));
}

}  // namespace burrow::dhcp
