// What a plugin must know in a teardown that the call does not tell: a file for each attachment.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "plugins/sdk/attachment.h"

namespace burrow::plugins {

/// The notes of one plugin about one attachment, in /run: they end with the host's life, as what
/// they speak of does. Written by rename, so that a crash leaves the old ones or the new.
class Memory {
 public:
  Memory(std::string_view plugin, const Attachment& attachment);
  /// Errors: system, permission.
  Result<void> write(std::string_view text) const;
  /// Nothing when there are no notes. Errors: system.
  [[nodiscard]] Result<std::optional<std::string>> read() const;
  /// Notes that are not there are fine.
  Result<void> forget() const;

 private:
  std::filesystem::path file_;
};

}  // namespace burrow::plugins
