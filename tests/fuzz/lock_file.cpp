// Lock files of any content: read without harm, never a token below the newest, and no flipped bit makes another one.
#include "fuzz.hpp"
#include "wire/lock_record.hpp"
#include <algorithm>
#include <limits>
#include <string>

namespace coelect::fuzz {
namespace {

using namespace wire;

constexpr auto largest = std::numeric_limits<std::uint64_t>::max() / 2;

// What system_clock, which counts nanoseconds, can show.
constexpr auto latest = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds::max());

bool blank(std::string_view slot) {
  return std::all_of(slot.begin(), slot.end(), [](char c) { return c == '\0'; });
}

void two_slots(std::string_view first, std::string_view second) {
  auto const a = read_record(first), b = read_record(second);
  auto const state = judge(first, second);
  using kind = lock_state::kind;
  must((state.what == kind::known) == (a || b), "a file with a readable slot is known, and only such a file");
  if (state.what != kind::known) {
    must((state.what == kind::unused) == (blank(first) && blank(second)), "only a blank file is unused");
    return;
  }
  auto const& newest = state.newest;
  must(newest.token > 0 && newest.token <= largest, "a token is neither 0 nor about to run over");
  must(newest.since.count() >= 0 && newest.since <= latest, "the time of a win can be shown");
  must(state.next_token > newest.token, "the next token is larger than the newest");
  must(state.next_slot < 2, "there are two slots");
  must((!a || a->sequence <= newest.sequence) && (!b || b->sequence <= newest.sequence), "the newest slot counts");
  auto const& kept = state.next_slot == 0 ? b : a;
  must(kept && kept->token == newest.token, "the next write leaves the newest record alone");
  bool const both_read = a && b;
  auto const& other = state.next_slot == 0 ? first : second;
  if (!both_read && !blank(other))
    must(state.next_token >= newest.token + 2, "a damaged slot may have held the token above");
}

lock_record record_from(dealer& input) {
  lock_record r;
  r.sequence = input.number() & largest;
  r.token = std::max<std::uint64_t>(input.number() & largest, 1);
  r.pid = input.number();
  r.since = std::chrono::microseconds(static_cast<std::int64_t>(input.number() % 9'000'000'000'000'000));
  r.candidate = input.piece();
  r.value = input.rest();
  return r;
}

void round_trip(lock_record const& r) {
  auto const back = read_record(write_record(r));
  must(back.has_value(), "a record that was written can be read");
  must(back->sequence == r.sequence && back->token == r.token && back->pid == r.pid, "numbers read back as written");
  must(back->since == r.since, "the time reads back as written");
  must(back->value == r.value, "the value reads back as written");
  if (is_ascii(r.candidate)) must(back->candidate == r.candidate, "the candidate reads back as written");
}

void flipped_bit(lock_record const& r, std::uint64_t where) {
  auto text = write_record(r);
  auto const bit = where % (text.size() * 8);
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
  auto const read = read_record(text);
  if (read) must(read->token == r.token && read->sequence == r.sequence, "no flipped bit makes another token");
}

void request(std::uint64_t token, std::uint64_t where) {
  auto text = write_request(token);
  must(read_request(text) == token, "a request reads back as written");
  auto const bit = where % (text.size() * 8);
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
  auto const read = read_request(text);
  if (read) must(*read == token, "no flipped bit asks another leader to resign");
}

}  // namespace

void lock_file(std::string_view bytes) {
  dealer input(bytes);
  switch (input.choice(5)) {
    case 0: {  // two slots of any content, at the front of which one record may stand
      auto const length = input.number();
      auto const both = input.rest();
      auto const first = both.substr(0, length);
      two_slots(first, both.substr(first.size()));
      read_request(both);
      break;
    }
    case 1: round_trip(record_from(input)); break;
    case 2: {
      auto const where = input.number();
      flipped_bit(record_from(input), where);
      break;
    }
    case 3: {
      auto const token = input.number();
      request(token, input.number());
      break;
    }
    default: {  // a good record in one slot, anything in the other
      bool const good_first = input.choice(2) == 0;
      auto const anything = std::string(input.piece('\0'));
      auto const good = write_record(record_from(input));
      two_slots(good_first ? good : anything, good_first ? anything : good);
    }
  }
}

}  // namespace coelect::fuzz
