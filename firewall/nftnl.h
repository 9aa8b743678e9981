// libnftnl's objects as owned values, for this folder alone.
#pragma once

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include <memory>

namespace burrow::firewall {

/// Frees what libnftnl allocates. It only fails to allocate when memory is out, which ends the
/// program elsewhere as well.
template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using TablePointer = std::unique_ptr<nftnl_table, Freed<nftnl_table_free>>;
using ChainPointer = std::unique_ptr<nftnl_chain, Freed<nftnl_chain_free>>;
using RulePointer = std::unique_ptr<nftnl_rule, Freed<nftnl_rule_free>>;
using SetPointer = std::unique_ptr<nftnl_set, Freed<nftnl_set_free>>;

}  // namespace burrow::firewall
