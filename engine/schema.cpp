#include "engine/schema.h"

#include <array>

namespace burrow::engine {
namespace {

// Step N leads from version N to N + 1. Released steps never change: a new shape is a new step.
constexpr std::array kSteps{
    R"sql(
CREATE TABLE machine (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
CREATE TABLE containers (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  spec          TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('created', 'running', 'exited')),
  created       INTEGER NOT NULL,
  started       INTEGER,
  finished      INTEGER,
  exit_code     INTEGER,
  pid           INTEGER,
  start_ticks   INTEGER,
  ports         TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE TABLE attachments (
  container TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
  network   TEXT NOT NULL,
  position  INTEGER NOT NULL,
  interface TEXT NOT NULL,
  request   TEXT NOT NULL,
  status    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (container, network),
  UNIQUE (container, interface)
) STRICT;
CREATE INDEX attachments_by_network ON attachments (network);
CREATE TABLE leases (
  network   TEXT NOT NULL,
  address   TEXT NOT NULL,
  subnet    TEXT NOT NULL,
  position  INTEGER NOT NULL,
  container TEXT NOT NULL,
  PRIMARY KEY (network, address),
  FOREIGN KEY (container, network) REFERENCES attachments (container, network) ON DELETE CASCADE
) STRICT;
CREATE INDEX leases_by_container ON leases (container, network);
CREATE TABLE positions (
  network TEXT NOT NULL,
  subnet  TEXT NOT NULL,
  last    TEXT NOT NULL,
  PRIMARY KEY (network, subnet)
) STRICT;
)sql"};

Result<int64_t> version_of(Database& database) {
  auto statement = TRY(database.prepare("PRAGMA user_version"));
  TRY(statement.step());
  return statement.integer(0);
}

}  // namespace

Result<void> migrate(Database& database) {
  auto transaction = TRY(Transaction::begin(database));
  const auto version = TRY(version_of(database));
  if (version < 0 || static_cast<size_t>(version) > kSteps.size()) {
    return fail(Errc::unsupported,
                "the store has schema version {}, this release knows {}: use a newer burrow",
                version, kSteps.size());
  }
  for (auto step = static_cast<size_t>(version); step < kSteps.size(); ++step) {
    TRY_VOID(database.run_script(kSteps.at(step)));
    TRY_VOID(database.run_script(fmt::format("PRAGMA user_version = {}", step + 1)));
  }
  return transaction.commit();
}

Result<bool> note_boot(Database& database, std::string_view boot_id) {
  auto transaction = TRY(Transaction::begin(database));
  auto find = TRY(database.prepare("SELECT value FROM machine WHERE key = 'boot_id'"));
  const bool is_known = TRY(find.step());
  if (is_known && find.text(0) == boot_id) return false;
  auto store = TRY(database.prepare("INSERT OR REPLACE INTO machine VALUES ('boot_id', ?)"));
  TRY_VOID(store.bind(boot_id).run());
  TRY_VOID(database.run_script(R"sql(
    DELETE FROM leases;
    UPDATE attachments SET status = '';
    UPDATE containers SET state = 'exited', pid = NULL, start_ticks = NULL, ports = '[]'
      WHERE state <> 'exited';
    DELETE FROM containers WHERE json_extract(spec, '$.removes_itself');
  )sql"));
  TRY_VOID(transaction.commit());
  return is_known;
}

}  // namespace burrow::engine
