// Lock-file records: round trips, damage of every kind, and that no token goes backwards.
#include "wire/lock_record.hpp"
#include "support/catch.hpp"

using namespace coelect::wire;

namespace {

lock_record sample(std::uint64_t sequence, std::uint64_t token) {
  lock_record r;
  r.sequence = sequence;
  r.token = token;
  r.pid = 4711;
  r.since = std::chrono::microseconds(1'763'725'366'000'000);
  r.candidate = "host.4711.ab";
  r.value = std::string("bytes \0 and \"quotes\"\n", 21);
  return r;
}

}  // namespace

TEST_CASE("a record reads back as it was written") {
  auto const back = read_record(write_record(sample(3, 9)));
  REQUIRE(back);
  CHECK(back->sequence == 3);
  CHECK(back->token == 9);
  CHECK(back->pid == 4711);
  CHECK(back->since == std::chrono::microseconds(1'763'725'366'000'000));
  CHECK(back->candidate == "host.4711.ab");
  CHECK(back->value == sample(3, 9).value);
}

TEST_CASE("the largest record fits its slot") {
  auto r = sample(1, 1);
  r.candidate = std::string(255, '"');
  r.value = std::string(65'536, '\x01');
  CHECK(write_record(r).size() <= record_slot);
  CHECK(read_record(write_record(r)));
}

TEST_CASE("a record cut at any byte is no record") {
  auto const whole = write_record(sample(3, 9));
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK_FALSE(read_record(whole.substr(0, n)));
}

TEST_CASE("a record with any bit of any byte changed is no record") {
  auto const whole = write_record(sample(3, 9));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    auto damaged = whole;
    damaged[n] = static_cast<char>(damaged[n] ^ 0x10);
    auto const read = read_record(damaged);
    if (read) CHECK(read->token == 9);  // only a change that means nothing, as in the case of a hex digit
  }
}

TEST_CASE("an older record behind the bytes of a shorter, newer one does no harm") {
  auto slot = write_record(sample(1, 7)) + std::string(200, 'x');
  auto const newer = write_record(sample(3, 9));
  slot.replace(0, newer.size(), newer);
  CHECK(read_record(slot)->token == 9);
}

TEST_CASE("impossible numbers are damage") {
  CHECK_FALSE(read_record(write_record(sample(1, 0))));
  CHECK_FALSE(read_record(write_record(sample(1, ~std::uint64_t{0}))));
  CHECK_FALSE(read_record(write_record(sample(~std::uint64_t{0}, 1))));
}

TEST_CASE("the newer of two slots counts, and the other one is written next") {
  auto const a = write_record(sample(4, 8));
  auto const b = write_record(sample(5, 9));
  auto state = judge(a, b);
  CHECK(state.what == lock_state::kind::known);
  CHECK(state.newest.token == 9);
  CHECK(state.next_slot == 0);
  CHECK(state.next_token == 10);
  state = judge(b, a);
  CHECK(state.newest.token == 9);
  CHECK(state.next_slot == 1);
}

TEST_CASE("one damaged slot: the next token is above whatever it may have held") {
  auto const good = write_record(sample(4, 8));
  auto bad = write_record(sample(5, 9));
  bad[40] = '!';
  for (bool const good_first : {true, false}) {
    auto const state = good_first ? judge(good, bad) : judge(bad, good);
    CHECK(state.what == lock_state::kind::known);
    CHECK(state.next_token == 10);
    CHECK(state.next_slot == (good_first ? 1U : 0U));
  }
}

TEST_CASE("an empty file and blank slots are unused, anything else unreadable is damage") {
  std::string const blank(4096, '\0');
  CHECK(judge("", "").what == lock_state::kind::unused);
  CHECK(judge(blank, blank).what == lock_state::kind::unused);
  CHECK(judge("garbage", "").what == lock_state::kind::damaged);
  CHECK(judge(blank, "garbage").what == lock_state::kind::damaged);
  auto const first_win = write_record(sample(1, 77));
  auto const state = judge(first_win, blank);
  CHECK(state.next_token == 78);
}

TEST_CASE("a request to resign names one token, and damage is no request") {
  auto const request = write_request(1'763'725'366'123'456);
  CHECK(request.size() == request_slot);
  CHECK(read_request(request) == 1'763'725'366'123'456);
  for (std::size_t n = 0; n < 40; ++n) {
    auto damaged = request;
    damaged[n] = static_cast<char>(damaged[n] ^ 0x01);
    CHECK_FALSE(read_request(damaged) == std::optional<std::uint64_t>(1'763'725'366'123'457));
  }
  CHECK_FALSE(read_request(""));
  CHECK_FALSE(read_request(std::string(128, '\0')));
}
