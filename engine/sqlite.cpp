#include "engine/sqlite.h"

#include <sqlite3.h>

namespace burrow::engine {
namespace {

constexpr int kBusyMilliseconds = 10'000;

Failure failure(sqlite3* database, int code) {
  const auto primary = code & 0xff;
  const auto kind = primary == SQLITE_CONSTRAINT                            ? Errc::already_exists
                    : primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? Errc::corrupt
                                                                            : Errc::system;
  return fail(kind, "store: {}",
              database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

void Statement::note(int code) {
  if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::bind(int64_t value) {
  note(sqlite3_bind_int64(statement_.get(), next_++, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  // A null pointer would bind NULL, which an empty text is not.
  note(sqlite3_bind_text64(statement_.get(), next_++, text.empty() ? "" : text.data(), text.size(),
                           SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(std::span<const uint8_t> blob) {
  note(sqlite3_bind_blob64(statement_.get(), next_++, blob.data(), blob.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null() {
  note(sqlite3_bind_null(statement_.get(), next_++));
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) return failure(database_, bind_error_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(database_, code);
}

Result<void> Statement::run() {
  while (TRY(step())) {
  }
  return {};
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const { return blob(column); }

std::string Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return size == 0 ? std::string{} : std::string{static_cast<const char*>(bytes), size};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Database> Database::open(const std::filesystem::path& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database{raw};
  if (code != SQLITE_OK) {
    return with_context(failure(raw, code).value(), fmt::format("\"{}\"", path.native()));
  }
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  auto prepared = database.run_script(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
  if (!prepared) {
    return with_context(std::move(prepared).error(), fmt::format("\"{}\"", path.native()));
  }
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) return failure(database_.get(), code);
  return Statement{database_.get(), statement};
}

Result<void> Database::run_script(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(database_.get(), code);
  return {};
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY_VOID(database.run_script("BEGIN IMMEDIATE"));
  return Transaction{database};
}

Transaction::~Transaction() {
  // Nothing can be done about a failed rollback: the connection's end undoes it as well.
  if (database_ != nullptr) (void)database_->run_script("ROLLBACK");
}

Result<void> Transaction::commit() {
  TRY_VOID(database_->run_script("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace burrow::engine
