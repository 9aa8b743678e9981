#include "plugins/host-device/loan.h"

#include "core/json.h"

namespace burrow::plugins {
namespace {

Result<Loan> decode(std::string_view text) {
  const auto document = TRY(parse_json(text));
  const JsonCursor root{document};
  auto name = TRY(TRY(root.at("name")).parsed(LinkName::parse));
  const auto mac = TRY(TRY(root.at("mac")).parsed(MacAddress::parse));
  const auto mtu = static_cast<uint32_t>(TRY(TRY(root.at("mtu")).unsigned_integer(UINT32_MAX)));
  const auto is_up = TRY(TRY(root.at("up")).boolean());
  const auto is_physical = TRY(TRY(root.at("physical")).boolean());
  auto alias = TRY(TRY(root.at("alias")).string());
  Loan loan{.name = std::move(name),
            .mac = mac,
            .mtu = mtu,
            .is_up = is_up,
            .is_physical = is_physical,
            .alias = std::move(alias)};
  for (const auto& address : TRY(TRY(root.at("addresses")).elements())) {
    loan.addresses.push_back(TRY(address.parsed(IpInterface::parse)));
  }
  return loan;
}

}  // namespace

std::string encode(const Loan& loan) {
  Json json{{"name", loan.name.str()},   {"mac", loan.mac.to_string()},  {"mtu", loan.mtu},
            {"up", loan.is_up},          {"physical", loan.is_physical}, {"alias", loan.alias},
            {"addresses", Json::array()}};
  for (const auto& address : loan.addresses) json["addresses"].push_back(address.to_string());
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Loan> decode_loan(std::string_view text) {
  auto loan = decode(text);
  if (!loan) loan.error().code = Errc::corrupt;
  return loan;
}

std::string alias_of(const Attachment& attachment) {
  return fmt::format("lent to {} on {}", attachment.container.str().substr(0, 64),
                     attachment.asked.network.name);
}

}  // namespace burrow::plugins
