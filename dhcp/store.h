// The directory of lease records: one file per holder, replaced by rename.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dhcp/record.h"
#include "host/file.h"

namespace burrow::dhcp {

class Store {
 public:
  /// Makes the directory and holds it: no second proxy may renew the same leases. Errors:
  /// already_exists when one does, system.
  static Result<Store> open(const std::filesystem::path& directory);

  /// All records of this boot. Those of another are removed; what does not decode is put aside as
  /// NAME.damaged and logged.
  [[nodiscard]] Result<std::vector<LeaseRecord>> load() const;
  [[nodiscard]] Result<void> save(const LeaseRecord& record) const;
  [[nodiscard]] Result<void> remove(const Holder& holder) const;

 private:
  Store(std::filesystem::path directory, std::string boot, host::Fd lock)
      : directory_(std::move(directory)), boot_(std::move(boot)), lock_(std::move(lock)) {}
  [[nodiscard]] std::filesystem::path path_of(const Holder& holder) const;
  std::filesystem::path directory_;
  std::string boot_;
  host::Fd lock_;
};

}  // namespace burrow::dhcp
