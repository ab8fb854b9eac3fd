// One candidacy of a candidate process: stands again and again, notes what becomes of it, and writes under its terms.
#pragma once
#include "journal.hpp"
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <coelect/coelect.hpp>
#include <mutex>
#include <random>

namespace coelect::test {

/// How all seats of a process behave.
struct habits {
  std::string name;                             ///< Of this incarnation; no other process has it.
  std::chrono::milliseconds reign{0};           ///< A term is resigned after about that time; 0: never.
  std::chrono::milliseconds guarded_writes{0};  ///< One of them so often; 0: the store has none.
  std::string guarded_before, guarded_after;    ///< The name of what is written: the election between the two.
};

class seat {
public:
  seat(boost::asio::io_context& io, std::shared_ptr<store> where, std::string election, habits const& how, journal& out)
      : io_(io),
        how_(how),
        out_(out),
        pause_(io),
        resigning_(io),
        writing_(io),
        elector_(io.get_executor(), std::move(where), {.election = std::move(election), .candidate = how.name}) {}

  void stand() {
    elector_.campaign([this](error_code ec, leadership won) {
      if (ec) return stand_later(ec);
      auto const term = std::make_shared<leadership>(std::move(won));
      note(testing::happening::elected, *term);
      set(term);
      term->at_risk([this, term](error_code e, risk why) {
        // `over` says the same as lost(), which notes it.
        if (!e && why != risk::over && !term->ended()) note(testing::happening::at_risk, *term, to_string(why));
      });
      term->lost([this, term](error_code e, term_end const& end) {
        if (e) return;
        note(testing::happening::lost, *term, std::string(to_string(end.how())) + ": " + end.detail());
        stand();
      });
      if (how_.reign.count() > 0) resign_later(term);
      if (how_.guarded_writes.count() > 0) write(term);
    });
  }

  std::string const& election() const noexcept { return elector_.election(); }
  /// The newest term, also after its end: who was stopped still asks it. Any thread.
  std::shared_ptr<leadership> term() const {
    std::lock_guard const lock(mutex_);
    return term_;
  }

private:
  void set(std::shared_ptr<leadership> term) {
    std::lock_guard const lock(mutex_);
    term_ = std::move(term);
  }

  void note(testing::happening what, leadership const& term, std::string detail = {}) {
    testing::event e;
    e.what = what;
    e.at = boot_now();
    e.candidate = how_.name;
    e.token = term.fencing_token();
    e.detail = std::move(detail);
    e.election = election();
    out_.note(e);
  }

  void stand_later(error_code why) {
    if (why == errc::stopped) return;
    out_.note(nlohmann::json{{"event", "campaign_failed"},
                             {"boot_ns", boot_now().count()},
                             {"election", election()},
                             {"candidate", how_.name},
                             {"why", why.message() + ": " + elector_.last_answer().message()}});
    pause_.expires_after(std::chrono::milliseconds(500));
    pause_.async_wait([this](error_code ec) {
      if (!ec) stand();
    });
  }

  void resign_later(std::shared_ptr<leadership> const& term) {
    std::uniform_real_distribution<> about(0.3, 1.7);
    resigning_.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(how_.reign * about(dice_)));
    resigning_.async_wait([this, term](error_code ec) {
      if (ec || term->ended()) return;
      term->resign([](error_code) {});
      note(testing::happening::resigned, *term);  // valid() is false from the initiation on
    });
  }

  // The next one follows when the last one is answered; none after the end of the term.
  void write(std::shared_ptr<leadership> const& term) {
    auto const content = std::to_string(term->fencing_token()) + " " + how_.name + " " + std::to_string(++written_);
    term->guarded_put(how_.guarded_before + election() + how_.guarded_after, content, [=, this](error_code ec) {
      auto const* const went = !ec ? "ok" : ec == errc::not_leader ? "refused" : "unknown";
      out_.note(nlohmann::json{{"event", "guarded_write"},
                               {"boot_ns", boot_now().count()},
                               {"election", election()},
                               {"token", term->fencing_token()},
                               {"content", content},
                               {"went", went}});
      if (term->ended() || term != this->term()) return;
      writing_.expires_after(how_.guarded_writes);
      writing_.async_wait([this, term](error_code e) {
        if (!e && !term->ended()) write(term);
      });
    });
  }

  boost::asio::io_context& io_;
  habits const& how_;
  journal& out_;
  boost::asio::steady_timer pause_, resigning_, writing_;
  std::mt19937 dice_{std::random_device{}()};
  mutable std::mutex mutex_;
  std::shared_ptr<leadership> term_;
  int written_ = 0;
  elector elector_;
};

}  // namespace coelect::test
