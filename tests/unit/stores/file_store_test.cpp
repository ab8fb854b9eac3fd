// The file store in one process: counters, replaced files, bad directories, damage, deposing.
#include "stores/file/directory_check.hpp"
#include "stores/file/file_calls.hpp"
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include "support/scratch_directory.hpp"
#include "wire/lock_record.hpp"
#include <boost/asio/detached.hpp>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A directory, a loop and a store on it.
struct file_scene {
  scratch_directory scratch;
  asio::io_context io;
  std::shared_ptr<store> where = open();
  std::filesystem::path lock = scratch.path() / "leader.lock";

  std::shared_ptr<store> open(std::chrono::milliseconds recheck = 200ms) {
    file_store_options o;
    o.directory = scratch.path();
    o.recheck = recheck;
    return make_file_store(io.get_executor(), o);
  }
  elector candidate(std::string name, std::string election = "leader") {
    elector_options o;
    o.election = std::move(election);
    o.candidate = std::move(name);
    o.value = "value of " + o.candidate;
    return elector(io.get_executor(), where, o);
  }
  leadership win(elector& e) {
    catcher<leadership> won;
    e.campaign(won.handler());
    run_until(io, [&] { return won.done(); });
    if (won.ec && *won.ec) throw boost::system::system_error(*won.ec, e.last_answer().message());
    return std::move(won.result);
  }
  void resign(leadership& term) {
    catcher<void> done;
    term.resign(done.handler());
    run_until(io, [&] { return done.done(); });
  }
};

std::string refusal(file_store_options options) {
  asio::io_context io;
  try {
    make_file_store(io.get_executor(), options);
  } catch (election_error const& e) {
    return e.code().message() + " | " + e.what();
  }
  return "accepted";
}

file_store_options in(std::filesystem::path directory) {
  file_store_options o;
  o.directory = std::move(directory);
  return o;
}

}  // namespace

TEST_CASE("file: terms do not run out and tokens grow by one across stores") {
  file_scene s;
  auto a = s.candidate("A");
  auto first = s.win(a);
  CHECK(first.valid());
  CHECK(first.remaining() == std::chrono::nanoseconds::max());
  CHECK(first.valid_until() == coelect::clock::time_point::max());
  CHECK(first.lock_descriptor() >= 0);
  auto const token = first.fencing_token();
  s.resign(first);
  CHECK_FALSE(first.valid());
  s.where = s.open();
  auto b = s.candidate("B");
  auto second = s.win(b);
  CHECK(second.fencing_token() == token + 1);
}

TEST_CASE("file: the first token of a new file is the wall clock, so a deleted file repeats none") {
  file_scene s;
  auto a = s.candidate("A");
  auto first = s.win(a);
  auto const token = first.fencing_token();
  auto const now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  CHECK(token <= static_cast<std::uint64_t>(now.count()));
  CHECK(token + 60'000'000 > static_cast<std::uint64_t>(now.count()));
  s.resign(first);
  std::filesystem::remove(s.lock);
  auto second = s.win(a);
  CHECK(second.fencing_token() > token);
}

TEST_CASE("file: two candidates of one process exclude each other; elections are independent", "[L5][file]") {
  file_scene s;
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto elsewhere = s.candidate("C", "eu/other");
  auto first = s.win(a);
  catcher<leadership> second;
  b.campaign(second.handler());
  auto other = s.win(elsewhere);
  CHECK(other.valid());
  CHECK(std::filesystem::exists(s.scratch.path() / "eu,other.lock"));
  CHECK_FALSE(run_until(
      s.io, [&] { return second.done(); }, 300ms));
  first = leadership();
  CHECK(run_until(s.io, [&] { return second.done(); }));
  CHECK(second.result.valid());
}

TEST_CASE("file: a deleted or replaced lock file ends the term at once", "[P7][file]") {
  for (bool const replaced : {false, true}) {
    file_scene s;
    s.where = s.open(60s);  // so that it is inotify that tells
    auto a = s.candidate("A");
    auto term = s.win(a);
    catcher<term_end> lost;
    term.lost(lost.handler());
    if (replaced) {
      std::ofstream(s.scratch.path() / "new").put('x');
      std::filesystem::rename(s.scratch.path() / "new", s.lock);
    } else {
      std::filesystem::remove(s.lock);
    }
    REQUIRE(run_until(
        s.io, [&] { return lost.done(); }, 2s));
    CHECK(lost.result.how() == end_of_term::lost);
    CHECK(lost.result.code() == errc::lease_lost);
    CHECK(lost.result.detail().find("lock file") != std::string::npos);
    CHECK_FALSE(term.valid());
  }
}

TEST_CASE("file: a waiting candidate does not overtake the holder of a deleted file", "[P7][file]") {
  file_scene s;
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto term = s.win(a);
  catcher<leadership> next;
  b.campaign(next.handler());
  CHECK_FALSE(run_until(
      s.io, [&] { return next.done(); }, 100ms));
  std::filesystem::remove(s.lock);
  REQUIRE(run_until(
      s.io, [&] { return static_cast<bool>(term.ended()); }, 2s));
  CHECK_FALSE(run_until(
      s.io, [&] { return next.done(); }, 500ms));  // A has not let go of its term yet
  auto const token = term.fencing_token();
  term = leadership();
  REQUIRE(run_until(
      s.io, [&] { return next.done(); }, 5s));
  CHECK(next.result.valid());
  CHECK(next.result.fencing_token() > token);
}

TEST_CASE("file: a file replaced twice is noticed as soon as the first time", "[P7][file]") {
  file_scene s;
  s.where = s.open(60s);
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto first = s.win(a);
  catcher<leadership> next;
  b.campaign(next.handler());
  run_until(
      s.io, [&] { return next.done(); }, 100ms);
  std::filesystem::remove(s.lock);
  REQUIRE(run_until(
      s.io, [&] { return static_cast<bool>(first.ended()); }, 2s));
  first = leadership();
  REQUIRE(run_until(
      s.io, [&] { return next.done(); }, 5s));
  CHECK(next.result.valid());
  std::filesystem::remove(s.lock);
  CHECK(run_until(
      s.io, [&] { return static_cast<bool>(next.result.ended()); }, 2s));
}

TEST_CASE("file: a store dropped right after a question, or with its context, leaves nothing behind", "[L2][file]") {
  for (int i = 0; i < 50; ++i) {
    file_scene s;
    catcher<sighting> seen;
    {
      auto o = s.candidate("observer");
      o.leader(seen.handler());
      if (i % 2) s.io.run_one();
    }
    s.where.reset();
    if (i % 4 < 2)
      run_until(
          s.io, [&] { return seen.done(); }, 2s);
  }
}

TEST_CASE("file: a FIFO in the lock file's place holds nobody up", "[P7][file]") {
  file_scene s;
  REQUIRE(::mkfifo(s.lock.c_str(), 0600) == 0);
  auto o = s.candidate("observer");
  catcher<sighting> seen;
  o.leader(seen.handler());
  REQUIRE(run_until(
      s.io, [&] { return seen.done(); }, 2s));
  CHECK(*seen.ec == errc::unsupported);
  auto a = s.candidate("A", "other");
  CHECK(s.win(a).valid());
}

TEST_CASE("file: without inotify polling notices everything, only later", "[P6][P7][file]") {
  file_scene s;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  // No inotify instance: the way to get there is to have no descriptor left at that moment.
  std::vector<int> taken;
  rlimit few = before;
  few.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
  ::close(taken.back());
  taken.pop_back();  // one left, for the timer
  std::string told;
  file_store_options o = in(s.scratch.path());
  o.recheck = 50ms;
  o.log = [&](severity, std::string_view line) { told += std::string(line) + "\n"; };
  auto const where = make_file_store(s.io.get_executor(), o);
  for (int const fd : taken) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(told.find("inotify") != std::string::npos);
  s.where = where;
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto term = s.win(a);
  catcher<leadership> next;
  b.campaign(next.handler());
  run_until(
      s.io, [] { return false; }, 100ms);
  std::filesystem::remove(s.lock);
  CHECK(run_until(
      s.io, [&] { return static_cast<bool>(term.ended()); }, 3s));
  term = leadership();
  CHECK(run_until(
      s.io, [&] { return next.done(); }, 3s));
}

TEST_CASE("file: leader and watch see who holds the lock, not what a dead leader left behind") {
  file_scene s;
  auto o = s.candidate("observer");
  auto a = s.candidate("A");
  auto const look = [&] {
    catcher<sighting> seen;
    o.leader(seen.handler());
    run_until(s.io, [&] { return seen.done(); });
    return seen.result;
  };
  CHECK(look().empty());
  auto term = s.win(a);
  auto const seen = look();
  REQUIRE_FALSE(seen.empty());
  CHECK(seen->candidate() == "A");
  CHECK(seen->value() == "value of A");
  CHECK(seen.fencing_token() == term.fencing_token());
  catcher<sighting> changed;
  o.watch(seen, changed.handler());
  catcher<void> published;
  term.proclaim(std::string("new\0value", 9), published.handler());
  REQUIRE(run_until(s.io, [&] { return changed.done(); }));
  CHECK(changed.result->value() == std::string("new\0value", 9));
  catcher<sighting> gone;
  o.watch(changed.result, gone.handler());
  s.resign(term);
  REQUIRE(run_until(s.io, [&] { return gone.done(); }));
  CHECK(gone.result.empty());
  CHECK(look().empty());
}

TEST_CASE("file: a watch begun before the first leader ever sees it come") {
  file_scene s;
  auto o = s.candidate("observer");
  auto a = s.candidate("A");
  catcher<sighting> seen;
  o.watch(sighting::empty_seat(), seen.handler());
  run_until(
      s.io, [] { return false; }, 50ms);
  auto const term = s.win(a);
  REQUIRE(run_until(s.io, [&] { return seen.done(); }));
  CHECK(seen.result->candidate() == "A");
}

TEST_CASE("file: depose asks the leader; force names the process to end") {
  file_scene s;
  s.where = s.open(60s);
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto term = s.win(a);
  catcher<void> wrong, wrong_force, forced, asked;
  b.depose(1, depose_how::ask, wrong.handler());
  b.depose(1, depose_how::force, wrong_force.handler());
  b.depose(term.fencing_token(), depose_how::force, forced.handler());
  REQUIRE(run_until(s.io, [&] { return wrong.done() && forced.done(); }));
  CHECK(*wrong.ec == errc::not_leader);
  CHECK(*wrong_force.ec == errc::not_leader);
  CHECK(*forced.ec == errc::unsupported);
  CHECK(b.last_answer().message().find(std::to_string(::getpid())) != std::string::npos);
  CHECK(term.valid());
  b.depose(term.fencing_token(), depose_how::ask, asked.handler());
  REQUIRE(run_until(
      s.io, [&] { return static_cast<bool>(term.ended()); }, 2s));
  CHECK(term.ended().how() == end_of_term::deposed);
}

TEST_CASE("file: a duplicate of the lock descriptor keeps the lock until it is closed") {
  file_scene s;
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto term = s.win(a);
  int const copy = ::dup(term.lock_descriptor());
  REQUIRE(copy >= 0);
  s.resign(term);
  catcher<leadership> next;
  b.campaign(next.handler());
  CHECK_FALSE(run_until(
      s.io, [&] { return next.done(); }, 300ms));
  ::close(copy);
  CHECK(run_until(s.io, [&] { return next.done(); }));
}

TEST_CASE("file: a damaged record is refused with the cure, and one damaged slot costs a number") {
  file_scene s;
  auto a = s.candidate("A");
  auto term = s.win(a);
  s.resign(term);
  term = s.win(a);
  auto const token = term.fencing_token();
  s.resign(term);
  auto const spoil = [&](std::streamoff at) {
    std::fstream f(s.lock, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(at);
    f << "garbage";
  };
  spoil(wire::record_slot);
  term = s.win(a);
  CHECK(term.fencing_token() > token);
  CHECK(term.fencing_token() <= token + 2);
  s.resign(term);
  spoil(0);
  spoil(wire::record_slot);
  catcher<leadership> refused;
  a.campaign(refused.handler());
  REQUIRE(run_until(s.io, [&] { return refused.done(); }));
  CHECK(*refused.ec == errc::bad_record);
  CHECK(*refused.ec == cond::fatal);
  auto const words = a.last_answer().message();
  CHECK(words.find(s.lock.string()) != std::string::npos);
  CHECK(words.find("delete the file") != std::string::npos);
  std::filesystem::remove(s.lock);
  auto b = s.candidate("B");
  auto cured = s.win(b);
  CHECK(cured.fencing_token() > token + 2);
}

TEST_CASE("file: an emptied lock file counts on from the present") {
  file_scene s;
  auto a = s.candidate("A");
  auto term = s.win(a);
  auto const token = term.fencing_token();
  s.resign(term);
  std::filesystem::resize_file(s.lock, 0);
  term = s.win(a);
  CHECK(term.fencing_token() > token);
}

TEST_CASE("file: what stands in the lock file's place is refused or followed with care", "[P7][file]") {
  file_scene s;
  auto a = s.candidate("A");
  std::filesystem::create_symlink("/etc/passwd", s.lock);
  CHECK_THROWS_WITH(s.win(a), ContainsSubstring("symbolic link"));
  std::filesystem::remove(s.lock);
  std::filesystem::create_directory(s.lock);
  auto b = s.candidate("B");
  CHECK_THROWS_WITH(s.win(b), ContainsSubstring("directory"));
}

TEST_CASE("file: the directory vanishes, and comes back", "[P7][file]") {
  file_scene s;
  auto a = s.candidate("A");
  auto term = s.win(a);
  std::filesystem::remove_all(s.scratch.path());
  CHECK(run_until(
      s.io, [&] { return static_cast<bool>(term.ended()); }, 3s));
  auto b = s.candidate("B");
  CHECK_THROWS_WITH(s.win(b), ContainsSubstring("must exist"));
  std::filesystem::create_directory(s.scratch.path());
  auto c = s.candidate("C");
  CHECK(s.win(c).valid());
}

TEST_CASE("file: a full disk is a failed attempt that says so, and passes", "[P6][file]") {
  scratch_directory scratch;
  file_scene s;
  auto a = s.candidate("A");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  // As good as a full disk: no file may grow. The signal that comes with it is ignored.
  auto* const old = ::signal(SIGXFSZ, SIG_IGN);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  catcher<leadership> won;
  a.campaign(won.handler());
  bool const told = run_until(
      s.io, [&] { return !a.last_answer().message().empty(); }, 3s);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old);
  CHECK(told);
  CHECK(a.last_answer().message().find("leader.lock") != std::string::npos);
  CHECK(run_until(s.io, [&] { return won.done(); }));
  CHECK(won.result.valid());
}

TEST_CASE("file: without a free descriptor an attempt fails and says so, and the next one is well", "[P6][file]") {
  file_scene s;
  auto a = s.candidate("A");
  auto held = s.candidate("H", "other");
  auto const kept = s.win(held);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  catcher<leadership> won;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  a.campaign(won.handler());
  bool const told = run_until(
      s.io, [&] { return !a.last_answer().message().empty(); }, 3s);
  // Longer than a recheck: whoever leads needs none.
  bool const lost = run_until(
      s.io, [&] { return !kept.valid(); }, 500ms);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(told);
  CHECK_THAT(a.last_answer().message(), ContainsSubstring("raise the limit of open files"));
  CHECK_FALSE(lost);
  CHECK_FALSE(won.done());
  CHECK(run_until(s.io, [&] { return won.done(); }));
  CHECK(won.result.valid());
}

TEST_CASE("file: permissions of a new lock file are those asked for") {
  file_scene s;
  auto o = in(s.scratch.path());
  o.permissions = std::filesystem::perms{0660};
  s.where = make_file_store(s.io.get_executor(), o);
  auto a = s.candidate("A");
  auto const term = s.win(a);
  CHECK(std::filesystem::status(s.lock).permissions() == std::filesystem::perms{0660});
}

TEST_CASE("file: directories that cannot work are refused at construction, with the cure") {
  scratch_directory scratch;
  CHECK_THAT(refusal(in("")), ContainsSubstring("directory"));
  CHECK_THAT(refusal(in(scratch.path() / "missing")), ContainsSubstring("does not exist; create it first"));
  std::ofstream(scratch.path() / "file").put('x');
  CHECK_THAT(refusal(in(scratch.path() / "file")), ContainsSubstring("is not a directory"));
  CHECK_THAT(refusal(in("/proc")), ContainsSubstring("/proc"));
  CHECK_THAT(refusal(in("/dev/shm")), ContainsSubstring("tmpfs"));
  auto volatile_is_fine = in("/dev/shm");
  volatile_is_fine.allow_volatile = true;
  CHECK(refusal(volatile_is_fine) == "accepted");
  auto o = in(scratch.path());
  o.recheck = 1ms;
  CHECK_THAT(refusal(o), ContainsSubstring("recheck"));
  o.recheck = 1s;
  o.retry_max = 1ms;
  CHECK_THAT(refusal(o), ContainsSubstring("retry_min"));
}

TEST_CASE("file: network, FUSE and kernel file systems are refused; disks are not", "[P7][file]") {
  using stores::file::what_is_wrong_with_file_system;
  auto const usual = in("/x");
  auto remote = usual;
  remote.allow_remote = true;
  for (auto const type : {0x6969UL, 0xFF534D42UL, 0xFE534D42UL, 0x65735546UL, 0x01021997UL, 0x00C36400UL}) {
    CHECK_THAT(what_is_wrong_with_file_system(type, usual), ContainsSubstring("allow_remote"));
    CHECK(what_is_wrong_with_file_system(type, remote).empty());
  }
  CHECK_THAT(what_is_wrong_with_file_system(0x9FA0UL, remote), ContainsSubstring("kernel"));
  for (auto const type : {0xEF53UL, 0x58465342UL, 0x9123683EUL, 0x794C7630UL})  // ext4, xfs, btrfs, overlay
    CHECK(what_is_wrong_with_file_system(type, usual).empty());
}

TEST_CASE("file: what the disk answers is told in words, with the cure and the right class", "[P6][file]") {
  using stores::file::from_errno;
  auto const full = from_errno(ENOSPC, "write", "/x/leader.lock");
  CHECK(full.ec == cond::transient);
  CHECK_THAT(full.details.message(),
             ContainsSubstring("cannot write /x/leader.lock") && ContainsSubstring("make room"));
  CHECK(from_errno(EDQUOT, "write", "/x").ec == errc::overloaded);
  CHECK(from_errno(EIO, "sync", "/x").ec == errc::unreachable);
  CHECK(from_errno(EROFS, "open", "/x").ec == errc::unauthorized);
  CHECK(from_errno(ENOENT, "open", "/x").ec == errc::not_found);
  CHECK(from_errno(EOPNOTSUPP, "lock", "/x").ec == errc::unsupported);
  CHECK(from_errno(EMFILE, "open", "/x").ec == cond::transient);
}

TEST_CASE("open_store: URLs and settings that do not fit are refused by name") {
  asio::io_context io;
  auto const words = [&](std::string_view url, store_settings how = {}) {
    try {
      open_store(io.get_executor(), url, how);
    } catch (election_error const& e) {
      CHECK(e.code() == cond::fatal);
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  CHECK(words("memory:") == "accepted");
  CHECK_THAT(words("redis://h"), ContainsSubstring("unknown scheme 'redis'"));
  CHECK_THAT(words("file:relative"), ContainsSubstring("absolute"));
  CHECK_THAT(words("file://host/x"), ContainsSubstring("host"));
  CHECK_THAT(words("memory:name"), ContainsSubstring("memory:"));
  store_settings with_ttl;
  with_ttl.timing.ttl = 15s;
  CHECK_THAT(words("file:/var/tmp", with_ttl), ContainsSubstring("ttl"));
  store_settings with_volatile;
  with_volatile.allow_volatile = true;
  CHECK_THAT(words("memory:", with_volatile), ContainsSubstring("allow_volatile"));
}
