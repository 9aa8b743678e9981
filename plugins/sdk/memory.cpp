#include "plugins/sdk/memory.h"

#include "host/file.h"

namespace burrow::plugins {
namespace {

constexpr std::string_view kDirectory = "/run/burrow-plugins";
constexpr size_t kLargest = size_t{1} << 20U;

}  // namespace

Memory::Memory(std::string_view plugin, const Attachment& attachment)
    : file_(std::filesystem::path{kDirectory} / plugin /
            fmt::format("{} {}.json", attachment.container, attachment.asked.network.name)) {}

Result<void> Memory::write(std::string_view text) const {
  TRY_VOID(host::make_directories(file_.parent_path()));
  return host::write_file(file_, text);
}

Result<std::optional<std::string>> Memory::read() const {
  return host::read_file_if_exists(file_, kLargest);
}

Result<void> Memory::forget() const { return host::remove_file(file_); }

}  // namespace burrow::plugins
