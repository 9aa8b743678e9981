// Names that mean something of their own to whoever asks: the host, localhost, zones that are
// nobody's or that must not be asked of a public server. Pure. What is answered: answer.h.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "dns/name.h"

namespace burrow::dns {

/// RFC 6761 section 6.3.
inline constexpr std::string_view kLocalhost{"\11localhost", 10};
/// The names that Podman and Docker give the host, the first for reverse look-ups.
inline constexpr std::array<std::string_view, 2> kHostNames{
    {{"\4host\12containers\10internal", 25}, {"\4host\6docker\10internal", 21}}};

/// Where the labels of `zone` begin at the end of `labels`; nothing when the name is not below it.
std::optional<size_t> find_zone(std::string_view labels, std::string_view zone);

bool is_host_name(std::string_view labels);

/// Where the zone begins that is never to be asked of a public server (RFC 6761 section 6.4, RFC
/// 7686); nothing when the name is in none.
std::optional<size_t> find_never_forwarded(std::string_view labels);

/// Whether a reverse name lies in a zone that is nobody's (RFC 6303 section 4). RFC 1918 and unique
/// local addresses are not among them: a company's upstream may well know its own.
bool is_reserved(const ReverseName& name);

}  // namespace burrow::dns
