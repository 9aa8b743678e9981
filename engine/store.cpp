#include "engine/store.h"

#include "engine/container_json.h"
#include "engine/schema.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

Result<ContainerState> parse_state(std::string_view text) {
  for (const auto state :
       {ContainerState::created, ContainerState::running, ContainerState::exited}) {
    if (text == to_string(state)) return state;
  }
  return fail(Errc::corrupt, "unknown state \"{}\"", text);
}

// A stored document. Its decoding errors are damage, not input.
template <typename Decode>
auto stored(const std::string& text, Decode decode) -> decltype(decode(JsonCursor{Json{}})) {
  const auto document = TRY(parse_json(text));
  auto value = decode(JsonCursor{document});
  if (!value) return fail(Errc::corrupt, "store: {}", value.error().message);
  return value;
}

Result<Container> read_container(const Statement& row) {
  auto id = TRY(ContainerId::parse(row.text(0)));
  auto name = TRY(ContainerName::parse(row.text(1)));
  auto spec = TRY(stored(row.text(2), decode_spec));
  auto state = TRY(parse_state(row.text(3)));
  Container container{.id = std::move(id),
                      .name = std::move(name),
                      .spec = std::move(spec),
                      .state = std::move(state),
                      .created = row.integer(4)};
  if (!row.is_null(5)) container.started = row.integer(5);
  if (!row.is_null(6)) container.finished = row.integer(6);
  if (!row.is_null(7)) container.exit_code = static_cast<int>(row.integer(7));
  if (!row.is_null(8)) {
    container.process = ProcessIdentity{.pid = static_cast<int>(row.integer(8)),
                                        .start_ticks = static_cast<uint64_t>(row.integer(9))};
  }
  container.ports = TRY(stored(row.text(10), decode_ports));
  return container;
}

Result<std::vector<IpAddress>> read_leases(Database& database, const ContainerId& id,
                                           const NetworkName& network) {
  auto rows = TRY(database.prepare(
      "SELECT address FROM leases WHERE container = ? AND network = ? ORDER BY position"));
  rows.bind(id.str()).bind(network.str());
  std::vector<IpAddress> leases;
  while (TRY(rows.step())) leases.push_back(TRY(IpAddress::parse(rows.text(0))));
  return leases;
}

Result<std::vector<Attachment>> read_attachments(Database& database, const ContainerId& id) {
  auto rows =
      TRY(database.prepare("SELECT network, interface, request, status FROM attachments"
                           " WHERE container = ? ORDER BY position"));
  rows.bind(id.str());
  std::vector<Attachment> attachments;
  while (TRY(rows.step())) {
    auto network = TRY(NetworkName::parse(rows.text(0)));
    auto interface = TRY(LinkName::parse(rows.text(1)));
    Attachment attachment{
        .network = std::move(network), .interface = std::move(interface), .status = rows.text(3)};
    TRY_VOID(stored(rows.text(2),
                    [&](const JsonCursor& cursor) { return decode_request(cursor, attachment); }));
    attachment.leases = TRY(read_leases(database, id, attachment.network));
    attachments.push_back(std::move(attachment));
  }
  return attachments;
}

Result<void> run_for(Database& database, std::string_view sql, const ContainerId& id) {
  auto statement = TRY(database.prepare(sql));
  return statement.bind(id.str()).run();
}

}  // namespace

Result<Store> Store::open(const Directories& directories, std::string_view boot_id) {
  TRY_VOID(host::make_directories(directories.state));
  // One opener at a time: switching a new file to its write-ahead log does not wait by itself.
  const auto lock = TRY(host::FileLock::acquire(directories.state / "store.lock"));
  auto database = TRY(Database::open(directories.store()));
  TRY_VOID(migrate(database));
  const bool rebooted = TRY(note_boot(database, boot_id));
  return Store{std::move(database), rebooted};
}

Result<void> Store::check_name(const ContainerName& name) {
  auto taken = TRY(database_.prepare("SELECT id FROM containers WHERE name = ?"));
  if (TRY(taken.bind(name.str()).step())) {
    return fail(Errc::already_exists,
                "the container name \"{}\" is already in use by {}: remove that container first, "
                "or choose another name",
                name, taken.text(0).substr(0, 12));
  }
  return {};
}

Result<void> Store::insert(const Container& container) {
  auto transaction = TRY(Transaction::begin(database_));
  TRY_VOID(check_name(container.name));
  auto statement = TRY(database_.prepare(
      "INSERT INTO containers (id, name, spec, state, created) VALUES (?, ?, ?, ?, ?)"));
  TRY_VOID(statement.bind(container.id.str())
               .bind(container.name.str())
               .bind(encode(container.spec).dump())
               .bind(to_string(container.state))
               .bind(container.created)
               .run());
  for (const auto& attachment : container.attachments) {
    TRY_VOID(insert_attachment(container.id, attachment));
  }
  return transaction.commit();
}

Result<void> Store::insert_attachment(const ContainerId& id, const Attachment& attachment) {
  auto statement = TRY(database_.prepare(
      "INSERT INTO attachments (container, network, position, interface, request) VALUES"
      " (?1, ?2, (SELECT coalesce(max(position) + 1, 0) FROM attachments WHERE container = ?1),"
      " ?3, ?4)"));
  return statement.bind(id.str())
      .bind(attachment.network.str())
      .bind(attachment.interface.str())
      .bind(encode_request(attachment).dump())
      .run();
}

Result<std::vector<Container>> Store::select(std::string_view condition,
                                             std::string_view argument) {
  auto rows = TRY(database_.prepare(
      fmt::format("SELECT id, name, spec, state, created, started, finished, exit_code, pid,"
                  " start_ticks, ports FROM containers WHERE {} ORDER BY created, rowid",
                  condition)));
  rows.bind(argument);
  std::vector<Container> containers;
  while (TRY(rows.step())) {
    containers.push_back(TRY(read_container(rows)));
    containers.back().attachments = TRY(read_attachments(database_, containers.back().id));
  }
  return containers;
}

Result<std::vector<Container>> Store::containers() { return select("?1 = ''", ""); }

Result<Container> Store::get(std::string_view text) {
  auto found = TRY(select("name = ?1 OR id = ?1", text));
  if (found.empty() && !text.empty()) found = TRY(select("substr(id, 1, length(?1)) = ?1", text));
  if (found.empty()) {
    return fail(Errc::not_found, "no container with name or ID \"{}\" found: no such container",
                text);
  }
  if (found.size() > 1) {
    return fail(Errc::invalid_input, "more than one container has an ID that starts with \"{}\"",
                text);
  }
  return std::move(found.front());
}

Result<std::optional<Container>> Store::find(const ContainerId& id) {
  auto found = TRY(select("id = ?1", id.str()));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

Result<void> Store::remove(const ContainerId& id) {
  return run_for(database_, "DELETE FROM containers WHERE id = ?", id);
}

Result<void> Store::set_starting(const ContainerId& id) {
  return run_for(database_, "UPDATE containers SET state = 'created' WHERE id = ?", id);
}

Result<void> Store::set_running(const ContainerId& id, const ProcessIdentity& process,
                                Timestamp now) {
  auto statement = TRY(database_.prepare(
      "UPDATE containers SET state = 'running', pid = ?2, start_ticks = ?3, started = ?4,"
      " finished = NULL, exit_code = NULL WHERE id = ?1"));
  return statement.bind(id.str())
      .bind(int64_t{process.pid})
      .bind(static_cast<int64_t>(process.start_ticks))
      .bind(now)
      .run();
}

Result<void> Store::set_exited(const ContainerId& id, std::optional<int> exit_code, Timestamp now) {
  auto transaction = TRY(Transaction::begin(database_));
  TRY_VOID(run_for(database_, "DELETE FROM leases WHERE container = ?", id));
  TRY_VOID(run_for(database_, "UPDATE attachments SET status = '' WHERE container = ?", id));
  auto statement = TRY(database_.prepare(
      "UPDATE containers SET state = 'exited', pid = NULL, start_ticks = NULL, ports = '[]',"
      " exit_code = ?2, finished = ?3 WHERE id = ?1"));
  std::optional<int64_t> code;
  if (exit_code) code = *exit_code;
  TRY_VOID(statement.bind(id.str()).bind(code).bind(now).run());
  return transaction.commit();
}

Result<void> Store::set_ports(const ContainerId& id, const std::vector<PortMapping>& ports) {
  auto statement = TRY(database_.prepare("UPDATE containers SET ports = ?2 WHERE id = ?1"));
  return statement.bind(id.str()).bind(encode(ports).dump()).run();
}

Result<void> Store::attach(const ContainerId& id, const Attachment& attachment) {
  auto inserted = insert_attachment(id, attachment);
  if (!inserted && inserted.error().code == Errc::already_exists) {
    return fail(Errc::already_exists,
                "container {} is already connected to network {}: network is already connected",
                short_id(id), attachment.network);
  }
  return inserted;
}

Result<void> Store::detach(const ContainerId& id, const NetworkName& network) {
  auto statement =
      TRY(database_.prepare("DELETE FROM attachments WHERE container = ? AND network = ?"));
  return statement.bind(id.str()).bind(network.str()).run();
}

Result<void> Store::set_request(const ContainerId& id, const Attachment& attachment) {
  auto statement = TRY(
      database_.prepare("UPDATE attachments SET request = ? WHERE container = ? AND network = ?"));
  return statement.bind(encode_request(attachment).dump())
      .bind(id.str())
      .bind(attachment.network.str())
      .run();
}

Result<void> Store::set_status(const ContainerId& id, const NetworkName& network,
                               std::string_view status) {
  auto statement = TRY(
      database_.prepare("UPDATE attachments SET status = ? WHERE container = ? AND network = ?"));
  return statement.bind(status).bind(id.str()).bind(network.str()).run();
}

Result<std::vector<std::string>> Store::users_of(const NetworkName& network) {
  auto rows = TRY(database_.prepare(
      "SELECT name FROM containers JOIN attachments ON container = id WHERE network = ?"
      " ORDER BY name"));
  rows.bind(network.str());
  std::vector<std::string> names;
  while (TRY(rows.step())) names.push_back(rows.text(0));
  return names;
}

Result<void> Store::forget_network(const NetworkName& network) {
  auto statement = TRY(database_.prepare("DELETE FROM positions WHERE network = ?"));
  return statement.bind(network.str()).run();
}

}  // namespace burrow::engine
