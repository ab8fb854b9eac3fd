# The rules of the house. Reads source files, prints "file:line: what is wrong [rule]", exits with 1 if anything is.
#
# A rule flags only what is wrong nearly always; comments and string literals are looked at by the rules about words
# and first lines only. Plain awk, because a bare machine has nothing else.

BEGIN {
  # Who stands where: a file includes only files of its own floor or of a lower one.
  floor["base"] = 0
  floor["env"] = floor["rules"] = floor["http"] = 1
  floor["wire"] = 2
  floor["stores"] = 3
  floor["election"] = 4
  floor["testing"] = 5
  floor["cli"] = 6

  longest_source = 500
  longest_header = 300

  timers = "(steady_timer|system_timer|high_resolution_timer|basic_waitable_timer|timerfd_[a-z]+)"
  clocks = "(clock_gettime|gettimeofday)"
  chrono_clocks = "(system|steady|high_resolution)_clock *:: *now"
  waits = "(sleep_for|sleep_until|nanosleep|usleep)"
  chance = "(random_device|getrandom|getentropy|std *:: *rand|mt19937(_64)?|default_random_engine)"
  sockets = "(ip *:: *(tcp|udp)|local *:: *stream_protocol|:: *socket)"
}

FNR == 1 {
  begin_file()
  check_first_line($0)
}
FNR == 2 && script && $0 !~ /^# ./ { flag(2, "after #! comes a comment that says what the file does", "first-line") }

{
  last_line = FNR
  if (!cpp) next
  if (library || place == "examples") check_words($0)
  code = code_of($0)
  if (directive != "") check_include(directive)
  if (library) check_environment(code)
  check_coroutines(code)
}

END {
  end_file()
  if (broken) printf "floors: %d files read, rules broken: %d\n", files, broken
  else printf "floors: %d files read, no rule is broken\n", files
  exit broken ? 1 : 0
}

function flag(line, what, rule) {
  printf "%s:%d: %s [%s]\n", FILENAME, line, what, rule
  ++broken
}

function begin_file() {
  if (files++) end_file()
  name = FILENAME
  sub(/^\.\//, "", name)
  split(name, part, "/")
  place = part[1]                                 # include, src, examples, tests, bench
  room = place == "src" ? part[2] : ""            # base, rules, ...
  library = place == "src" || place == "include"
  cpp = name ~ /\.[hc]pp$/
  header = name ~ /\.hpp$/
  script = 0
  in_comment = in_raw = 0
  raw_end = statement = last_text = ""
  last_line = 0
}

# The file's name is taken from our own variables: awk has moved on to the next one.
function end_file() {
  if (!library || !cpp) return
  if (header && last_line > longest_header)
    { printf "%s:%d: %d lines; a header has at most %d [too-long]\n", name, last_line, last_line, longest_header; ++broken }
  else if (place == "src" && last_line > longest_source)
    { printf "%s:%d: %d lines; a source file has at most %d [too-long]\n", name, last_line, last_line, longest_source; ++broken }
}

function check_first_line(text) {
  script = text ~ /^#!/
  if (script) return
  if (cpp ? text !~ /^\/\/ [^ ].*[^ ]/ : text !~ /^# [^ ].*[^ ]/)
    flag(1, "the first line is a comment that says what the file does", "first-line")
}

# --- Includes -------------------------------------------------------------------------------------------------------

function check_include(path,    quoted, target) {
  quoted = path ~ /^"/
  path = substr(path, 2)
  if (library) {
    if (path ~ /^boost\/beast/ && room != "http") flag(FNR, "Beast is for src/http only", "http-only")
    if (path ~ /^(openssl\/|boost\/asio\/ssl)/ && room != "http" && name !~ /^src\/base\/(hmac|secret)[^\/]*$/)
      flag(FNR, "OpenSSL is for src/http, src/base/hmac* and src/base/secret* only", "http-only")
    if (path ~ /^nlohmann\// && name !~ /^src\/base\/json[^\/]*$/)
      flag(FNR, "nlohmann is for src/base/json* only", "json-only")
  }
  if (place == "include" && quoted) flag(FNR, "a public header includes only public headers, as <coelect/...>", "public-only")
  if (place != "src") return

  if (room == "rules" && path ~ /^boost\/asio/) flag(FNR, "the rules know nothing of Asio", "floor-up")
  if (!quoted || path !~ /\//) return
  if (path ~ /^\.\.?\//) {
    flag(FNR, "includes are written from src/, as \"base/error.hpp\"", "floor-up")
    return
  }
  target = path
  sub(/\/.*/, "", target)
  if (!(target in floor) || !(room in floor))
    flag(FNR, "\"" path "\" included from " name ": no such floor", "floor-up")
  else if (floor[target] > floor[room])
    flag(FNR, room " is floor " floor[room] " and must not include " target ", floor " floor[target], "floor-up")
  if (room == "election" && path ~ /^stores\/[^\/]*\//) flag(FNR, "election knows no concrete store", "floor-up")
}

# --- What is not deterministic --------------------------------------------------------------------------------------

function check_environment(text) {
  if (room == "env") return
  if (has(text, clocks)) flag(FNR, "clocks are read in src/env only", "environment")
  if (has(text, waits)) flag(FNR, "nobody sleeps: use store_context::at", "environment")
  if (has(text, chance)) flag(FNR, "random numbers come from the environment", "environment")
  if (room != "http" && has(text, sockets)) flag(FNR, "sockets are for src/http only", "environment")
  if (room == "cli") return  # shows the time of day, and waits for people; validity is none of its business
  if (has(text, timers)) flag(FNR, "timers are made in src/env only", "environment")
  if (has(text, chrono_clocks)) flag(FNR, "clocks are read in src/env only", "environment")
}

# The words as whole words.
function has(text, words) { return text ~ ("(^|[^A-Za-z0-9_])" words "($|[^A-Za-z0-9_])") }

# --- Coroutines -----------------------------------------------------------------------------------------------------

# g++ 12 miscompiles a co_await in a condition, g++ 15 and 16 one that initialises a structured binding.
function check_coroutines(text) {
  if (statement != "") statement = statement " " text
  else if (match(text, /(^|[^A-Za-z0-9_])(if|while|switch) *(constexpr *)?\(/)) statement = substr(text, RSTART)
  if (statement != "") {
    if (condition_of(statement) ~ /(^|[^A-Za-z0-9_])co_await($|[^A-Za-z0-9_])/) {
      flag(FNR, "no co_await in a condition: name its result first (g++ 12 miscompiles it)", "coroutine-condition")
      statement = ""
    } else if (closed || ++waited > 30) statement = ""
  }
  if (statement == "") waited = 0
  if (text ~ /auto *[&*]* *\[[^]]*\] *= *co_await/ || text ~ /auto +const *&* *\[[^]]*\] *= *co_await/)
    flag(FNR, "no structured binding to a co_await: name its result first (g++ 15 leaks it)", "coroutine-binding")
}

# From the first bracket up to its closing one, or to the end; sets `closed`. Later conditions in one line count too.
function condition_of(text,    i, c, depth) {
  closed = 0
  for (i = index(text, "("); i <= length(text); ++i) {
    c = substr(text, i, 1)
    if (c == "(") ++depth
    if (c == ")" && --depth == 0) { closed = 1; break }
  }
  c = substr(text, index(text, "("), i - index(text, "(") + 1)
  text = substr(text, i + 1)
  if (closed && match(text, /(^|[^A-Za-z0-9_])(if|while|switch) *(constexpr *)?\(/))
    return c " " condition_of(substr(text, RSTART))
  return c
}

# --- Words ----------------------------------------------------------------------------------------------------------

# Nobody can promise these; README.md may discuss them. A phrase may go over the end of a line.
function check_words(text,    both) {
  sub(/^[ \t]*(\/\/\/?|\*)?<?[ \t]*/, "", text)
  gsub(/[ \t]+/, " ", text)
  text = tolower(text)
  both = last_text " " text
  if (promises(text) || (promises(both) && !promises(last_text)))
    flag(FNR, "this is more than can be promised; say what is", "promise")
  last_text = text
}
function promises(text) { return text ~ /exactly one leader|mutual exclusion/ }

# --- Reading C++ ----------------------------------------------------------------------------------------------------

# The line without comments and with empty literals; sets `directive` to <path or "path when it is an #include.
function code_of(text,    i, n, c, two, out, end, quote) {
  directive = ""
  if (!in_comment && !in_raw && match(text, /^[ \t]*#[ \t]*include[ \t]*[<"]/)) {
    directive = substr(text, RLENGTH)
    directive = substr(directive, 1, match(substr(directive, 2), /[>"]/))
    return ""
  }
  n = length(text)
  for (i = 1; i <= n; ++i) {
    if (in_comment) {
      end = index(substr(text, i), "*/")
      if (!end) return out
      i += end
      in_comment = 0
      continue
    }
    if (in_raw) {
      end = index(substr(text, i), raw_end)
      if (!end) return out
      i += end + length(raw_end) - 2
      in_raw = 0
      continue
    }
    c = substr(text, i, 1)
    two = substr(text, i, 2)
    if (two == "//") return out
    if (two == "/*") { in_comment = 1; ++i; continue }
    if (two == "R\"" && substr(text, i + 1) ~ /^"[^ ()\\]*\(/) {
      raw_end = substr(text, i + 2)
      raw_end = ")" substr(raw_end, 1, index(raw_end, "(") - 1) "\""
      in_raw = 1
      i += length(raw_end)
      out = out "\"\""
      continue
    }
    # A ' between digits only groups them.
    if (c == "\"" || (c == "'" && substr(text, i - 1, 1) !~ /[0-9A-Fa-f]/)) {
      quote = c
      for (++i; i <= n; ++i) {
        c = substr(text, i, 1)
        if (c == "\\") ++i
        else if (c == quote) break
      }
      out = out quote quote
      continue
    }
    out = out c
  }
  return out
}
