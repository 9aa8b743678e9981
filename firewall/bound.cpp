#include "firewall/bound.h"

#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>

namespace burrow::firewall {

nftnl_expr* bound_expression(const Field& bound) {
  if (const auto* rate = std::get_if<Rate>(&bound)) {
    auto* object = nftnl_expr_alloc("limit");
    nftnl_expr_set_u64(object, NFTNL_EXPR_LIMIT_RATE, rate->count);
    nftnl_expr_set_u64(object, NFTNL_EXPR_LIMIT_UNIT, rate->seconds());
    nftnl_expr_set_u32(object, NFTNL_EXPR_LIMIT_BURST, rate->burst);
    nftnl_expr_set_u32(object, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
    nftnl_expr_set_u32(object, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
    return object;
  }
  auto* object = nftnl_expr_alloc("connlimit");
  nftnl_expr_set_u32(object, NFTNL_EXPR_CONNLIMIT_COUNT, std::get<ConnectionCount>(bound).most);
  nftnl_expr_set_u32(object, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
  return object;
}

std::optional<Field> read_bound(nftnl_set_elem* element) {
  uint32_t length = 0;
  const auto* expression =
      static_cast<const nftnl_expr*>(nftnl_set_elem_get(element, NFTNL_SET_ELEM_EXPR, &length));
  if (expression == nullptr) return std::nullopt;
  const char* name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  const std::string_view kind = name == nullptr ? "" : name;
  if (kind == "connlimit") {
    const auto flags = nftnl_expr_get_u32(expression, NFTNL_EXPR_CONNLIMIT_FLAGS);
    if (flags != NFT_CONNLIMIT_F_INV) return std::nullopt;
    return Field{ConnectionCount{nftnl_expr_get_u32(expression, NFTNL_EXPR_CONNLIMIT_COUNT)}};
  }
  if (kind != "limit" || nftnl_expr_get_u32(expression, NFTNL_EXPR_LIMIT_TYPE) != NFT_LIMIT_PKTS ||
      nftnl_expr_get_u32(expression, NFTNL_EXPR_LIMIT_FLAGS) != NFT_LIMIT_F_INV) {
    return std::nullopt;
  }
  const auto count = nftnl_expr_get_u64(expression, NFTNL_EXPR_LIMIT_RATE);
  const auto seconds = nftnl_expr_get_u64(expression, NFTNL_EXPR_LIMIT_UNIT);
  for (const auto unit : {Rate::Unit::second, Rate::Unit::minute, Rate::Unit::hour}) {
    const Rate rate{.count = static_cast<uint32_t>(count),
                    .unit = unit,
                    .burst = nftnl_expr_get_u32(expression, NFTNL_EXPR_LIMIT_BURST)};
    if (rate.seconds() == seconds && count <= UINT32_MAX) return Field{rate};
  }
  return std::nullopt;
}

}  // namespace burrow::firewall
