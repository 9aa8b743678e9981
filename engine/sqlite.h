// SQLite behind values that close themselves. Not a schema: the store has that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace burrow::engine {

/// One prepared statement. Parameters are bound in order with `bind`, rows are read in order with
/// `step` and the column functions.
class Statement {
 public:
  Statement& bind(int64_t value);
  Statement& bind(std::string_view text);
  Statement& bind(std::span<const uint8_t> blob);
  Statement& bind_null();
  template <typename T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }

  /// Moves to the next row. Yields whether there is one.
  Result<bool> step();
  /// Runs to the end, for statements without rows.
  Result<void> run();

  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::string blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  void note(int code);

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int next_ = 1;
  int bind_error_ = 0;
};

/// One connection: write-ahead log, foreign keys, waiting up to ten seconds for another writer.
class Database {
 public:
  /// Opens `path`, made if missing. Errors: system, corrupt.
  static Result<Database> open(const std::filesystem::path& path);

  /// One statement. Its text is ours, never a user's.
  Result<Statement> prepare(std::string_view sql);
  /// Several statements without parameters.
  Result<void> run_script(const std::string& sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Close> database_;
};

/// A write transaction: the only writer from the start, undone unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace burrow::engine
