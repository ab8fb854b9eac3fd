// Tells what happens to one candidate, in lines for people or in JSON.
#pragma once
#include "cli/line_writer.hpp"
#include "cli/options.hpp"
#include <coelect/leadership.hpp>
#include <coelect/store.hpp>
#include <string>

namespace coelect::cli {

/// Decides on words only; what is told, and when, is decided by the commands.
class story {
public:
  /// `how_to_stop`: "ENTER or Ctrl-C resigns."
  story(line_writer& out, settings const& how, std::string candidate, std::string how_to_stop);

  void stands(std::string const& where);
  void stands_again();
  void elected(leadership const& term, sighting const& before);
  void waits(sighting const& now);
  void at_risk(leadership const& term, risk why);
  void lost(std::uint64_t token, std::string const& reason);
  /// `token` 0: it never led. `confirmed`: the store answered that the hold is free.
  void resigned(std::uint64_t token, bool confirmed);
  void still_leads(leadership const& term);
  void still_waits(sighting const& seen, std::string const& trouble);  ///< `trouble`: why nothing was seen yet.
  void remark(std::string const& sentence);                            ///< For people only.
  void end();                                                          ///< For people only.

private:
  class event;
  void say(std::string const& sentence);

  line_writer& out_;
  bool json_;
  std::string election_, candidate_, who_, how_to_stop_;
};

/// "A leads since 14:20:05, token 7" and the value if there is one; without the time if that is
/// not known; or "nobody leads".
std::string words_for(sighting const& seen);

/// What `leader`, `watch` and `depose` print: one line about who leads.
void tell_leader(line_writer& out, settings const& how, sighting const& seen, bool with_time);

/// "lost: the lock file was replaced".
std::string reason_of(term_end const& end);

}  // namespace coelect::cli
