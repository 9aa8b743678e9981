#include "dns/network_zone.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace burrow::dns {
namespace {

constexpr std::string_view kAsterisk{"\1*", 2};
// Up to so many, comparing each with each is faster than sorting.
constexpr size_t kFew = 16;
// Numbers of the lines of a second file come after all of the first.
constexpr uint64_t kFileStep = uint64_t{1} << 56U;

template <typename T>
void insert_in_order(std::vector<T>& into, T value) {
  auto at = into.end();
  while (at != into.begin() && std::prev(at)->line > value.line) --at;
  into.insert(at, std::move(value));
}

template <typename T>
void erase_line(std::vector<T>& from, uint64_t line) {
  // Two searches: clang 14 does not understand the subrange of GCC's equal_range().
  from.erase(std::ranges::lower_bound(from, line, {}, &T::line),
             std::ranges::upper_bound(from, line, {}, &T::line));
}

// Marks all but the first of each address. A group may be a whole network under one alias, so many
// are not compared each with each.
void mark_repeated(std::vector<NamedAddress>& addresses) {
  if (addresses.size() <= kFew) {
    for (size_t i = 0; i < addresses.size(); ++i) {
      const auto earlier = std::span{addresses}.first(i);
      addresses[i].is_repeated =
          std::ranges::find(earlier, addresses[i].address, &NamedAddress::address) != earlier.end();
    }
    return;
  }
  std::vector<uint32_t> order(addresses.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](uint32_t at) { return addresses[at].address; });
  for (size_t i = 0; i < order.size(); ++i) {
    addresses[order[i]].is_repeated =
        i > 0 && addresses[order[i]].address == addresses[order[i - 1]].address;
  }
}

void append_new(std::vector<IpAddress>& into, std::span<const IpAddress> values) {
  for (const auto& value : values) {
    if (std::ranges::find(into, value) == into.end()) into.push_back(value);
  }
}

}  // namespace

// Adds and removes lines of a zone that nobody else sees yet.
class ZoneEditor {
 public:
  explicit ZoneEditor(NetworkZone& zone) : zone_(zone) {}

  void add(const NetworkLine& line, uint64_t number) {
    std::visit([&](const auto& content) { add(content, number); }, line.content);
  }
  void remove(const NetworkLine& line) {
    std::visit([&](const auto& content) { remove(content, line.number); }, line.content);
  }

  // Brings what follows from the lines up to date; must be called once, last.
  void settle() {
    for (const auto& labels : touched_) settle_name(labels);
    std::ranges::stable_sort(zone_.settings_lines_, {},
                             [](const auto& line) { return line.first; });
    zone_.settings_ =
        zone_.settings_lines_.empty() ? NetworkSettings{} : zone_.settings_lines_.back().second;
    zone_.domain_ = {};
    if (zone_.settings_.domain) {
      zone_.domain_ = *zone_.settings_.domain;
    } else if (auto name = DomainName::parse(zone_.name_)) {
      zone_.domain_ = *std::move(name);
    }
  }

 private:
  Name& touch(std::string_view labels) {
    touched_.emplace(labels);
    return zone_.names_.edit(labels);
  }

  void add(const ContainerLine& line, uint64_t number) {
    insert_in_order(zone_.containers_.edit(line.id), {number, line.dns_servers});
    for (const auto& address : line.addresses) {
      insert_in_order(zone_.holders_.edit(key_of(address)),
                      Holder{number, line.id, line.names, line.dns_servers});
      for (const auto& name : line.names) {
        insert_in_order(touch(name.labels()).addresses,
                        NamedAddress{.line = number, .ttl = {}, .address = address});
      }
    }
  }

  void add(const OwnedRecord& line, uint64_t number) {
    const auto& record = line.record;
    Name& name = touch(line.owner.labels());
    if (record.type != RecordType::a && record.type != RecordType::aaaa) {
      return insert_in_order(name.records, {number, record});
    }
    const auto address = IpAddress::from_bytes(
        {reinterpret_cast<const uint8_t*>(record.bytes.data()), record.bytes.size()});
    insert_in_order(name.addresses,
                    NamedAddress{.line = number, .ttl = record.ttl, .address = address});
  }

  void add(const NetworkSettings& line, uint64_t number) {
    zone_.settings_lines_.emplace_back(number, line);
  }

  void add(const EgressList& line, uint64_t number) {
    auto list = std::make_shared<EgressList>(line);
    list->network = zone_.name_;
    zone_.egress_lists_.emplace_back(number, std::move(list));
  }

  void remove(const ContainerLine& line, uint64_t number) {
    if (auto& servers = zone_.containers_.edit(line.id); true) {
      erase_line(servers, number);
      if (servers.empty()) zone_.containers_.erase(line.id);
    }
    for (const auto& address : line.addresses) {
      auto& holders = zone_.holders_.edit(key_of(address));
      erase_line(holders, number);
      if (holders.empty()) zone_.holders_.erase(key_of(address));
    }
    for (const auto& name : line.names) erase_line(touch(name.labels()).addresses, number);
  }

  void remove(const OwnedRecord& line, uint64_t number) {
    Name& name = touch(line.owner.labels());
    erase_line(name.addresses, number);
    erase_line(name.records, number);
  }

  void remove(const NetworkSettings& /*line*/, uint64_t number) {
    std::erase_if(zone_.settings_lines_,
                  [&](const auto& settings) { return settings.first == number; });
  }

  void remove(const EgressList& /*line*/, uint64_t number) {
    std::erase_if(zone_.egress_lists_, [&](const auto& list) { return list.first == number; });
  }

  void settle_name(const std::string& labels) {
    Name& name = zone_.names_.edit(labels);
    const bool is_wildcard = labels.starts_with(kAsterisk);
    if (name.addresses.empty() && name.records.empty()) {
      zone_.names_.erase(labels);
      zone_.wildcards_.erase(labels);
      return;
    }
    if (is_wildcard) zone_.wildcards_.insert(labels);
    mark_repeated(name.addresses);
    name.ttl.reset();
    for (const auto& address : name.addresses) {
      if (address.ttl) name.ttl = std::min(name.ttl.value_or(*address.ttl), *address.ttl);
    }
  }

  NetworkZone& zone_;
  std::unordered_set<std::string> touched_;
};

const Record* Name::find_alias() const {
  for (const auto& each : records) {
    if (each.record.type == RecordType::cname) return &each.record;
  }
  return nullptr;
}

NetworkZone::NetworkZone(std::span<const NetworkFile* const> files) : name_(files[0]->network) {
  ZoneEditor editor{*this};
  for (size_t i = 0; i < files.size(); ++i) {
    const NetworkFile& file = *files[i];
    if (file.reach == Reach::internal) reach_ = Reach::internal;
    append_new(header_.listen_addresses, file.header.listen_addresses);
    append_new(header_.dns_servers, file.header.dns_servers);
    for (const auto& line : file.lines) editor.add(line, line.number + i * kFileStep);
  }
  if (reach_ == Reach::internal) header_.dns_servers.clear();
  editor.settle();
}

NetworkZone::NetworkZone(const NetworkZone& before, std::span<const NetworkLine> gone,
                         std::span<const NetworkLine> come)
    : NetworkZone(before) {
  ZoneEditor editor{*this};
  for (const auto& line : gone) editor.remove(line);
  for (const auto& line : come) editor.add(line, line.number);
  editor.settle();
}

const Name* NetworkZone::find_wildcard(std::string_view labels) const {
  if (wildcards_.empty()) return nullptr;
  std::string key;
  while (!labels.empty()) {
    labels.remove_prefix(std::min(labels.size(), 1 + size_t{static_cast<uint8_t>(labels[0])}));
    key.assign(kAsterisk).append(labels);
    if (const auto* found = names_.find(key)) return found;
    if (!labels.empty() && names_.find(labels) != nullptr) return nullptr;
  }
  return nullptr;
}

std::span<const Holder> NetworkZone::find_holders(const IpAddress& address) const {
  const auto* holders = holders_.find(key_of(address));
  if (holders == nullptr) return {};
  return *holders;
}

const Holder* NetworkZone::find_container(const IpAddress& address) const {
  const auto* holders = holders_.find(key_of(address));
  return holders == nullptr ? nullptr : &holders->back();
}

std::vector<IpAddress> NetworkZone::container_servers(std::string_view id) const {
  std::vector<IpAddress> servers;
  if (const auto* lines = containers_.find(id)) {
    for (const auto& line : *lines) append_new(servers, line.servers);
  }
  return servers;
}

}  // namespace burrow::dns
