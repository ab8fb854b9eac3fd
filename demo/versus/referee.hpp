// Reads what the candidates of one kind noted and counts: two that said yes at a moment, and stale writes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace versus {

using ns = long long;  // CLOCK_BOOTTIME

struct reign {
  int who;
  std::uint64_t term;
  ns begin, end;
};
struct write {
  std::uint64_t term;
  ns when;
};
struct count {
  int overlaps = 0;      ///< Pairs of terms.
  ns both = 0;           ///< How long two said yes, in all.
  int stale_writes = 0;  ///< That arrived after one of a later term.
  int refused = 0;       ///< Of those, by a coelect::fence at the resource.
};

class referee {
public:
  /// What `who` has noted up to now.
  void read(std::filesystem::path const& file, int who);
  std::vector<reign> const& reigns() const noexcept { return reigns_; }
  std::vector<write> const& writes() const noexcept { return writes_; }
  /// Who said yes last, under the newest term, if that was less than `fresh` ago.
  std::optional<reign> leader(ns now, ns fresh) const;
  /// What began between `from` and `to`.
  count judge(ns from, ns to) const;
  bool anybody() const noexcept { return !reigns_.empty(); }
  void clear();

private:
  void add(reign r);

  std::vector<reign> reigns_;
  std::vector<write> writes_;
};

}  // namespace versus
