# Which tests name which faults. Reads the list and then test sources; prints a table, exits with 1 if anything is missing.
#
# A tag that looks like an id (a capital and a number) must be in the list. Hidden tests ([.], [!mayfail]) count for nothing.

BEGIN {
  stores = "etcd azure file"
  count = split(stores, store_at)
}

FNR == 1 { first_file = first_file == "" ? FILENAME : first_file }

FILENAME == first_file {
  if ($0 ~ /^#/ || $0 ~ /^[ \t]*$/) next
  read_fault($0)
  next
}

# From the macro on, up to the bracket that closes it.
/^(TEST_CASE|TEST_CASE_METHOD|TEMPLATE_TEST_CASE|SCENARIO)\(/ {
  began = FNR
  text = ""
  gathering = 1
}
gathering {
  text = text $0 "\n"
  if (tags_of(text)) {
    gathering = 0
    count_test(tags)
  } else if (FNR - began > 12) {
    wrong(began, "this test's head does not end")
    gathering = 0
  }
}

END {
  table()
  if (faults == 0) { print "faults: the list is empty"; ++broken }
  printf "faults: %d ids, %d tests name one, %d things wrong\n", faults, naming, broken
  exit broken ? 1 : 0
}

function wrong(line, what) {
  printf "%s:%d: %s\n", FILENAME, line, what
  ++broken
}

function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }

function read_fault(line,    field, n, i, named, id) {
  n = split(line, field, "|")
  id = trim(field[1])
  if (n != 4 || id !~ /^[A-Z][0-9]+$/ || trim(field[3]) == "" || trim(field[4]) == "")
    return wrong(FNR, "a line is: id | stores | what happens | what must hold")
  if (id in concerns) return wrong(FNR, id " is there twice")
  n = split(trim(field[2]), named, /[ \t]+/)
  if (n == 0) return wrong(FNR, id " concerns no store")
  for (i = 1; i <= n; ++i) {
    if (!index(" " stores " ", " " named[i] " ")) { wrong(FNR, "'" named[i] "' is no store; there are: " stores); continue }
    needs[id, named[i]] = 1
  }
  concerns[id] = 1
  order[++faults] = id
}

# True when the head is whole; `tags` is then its last argument when there are two or more.
function tags_of(head,    i, n, c, depth, args, word, in_text) {
  n = length(head)
  tags = word = ""
  args = 1
  for (i = index(head, "("); i <= n; ++i) {
    c = substr(head, i, 1)
    if (in_text) {
      if (c == "\\") { ++i; continue }
      if (c == "\"") in_text = 0
      else word = word c
      continue
    }
    if (c == "\"") in_text = 1
    else if (c == "(") ++depth
    else if (c == ")" && --depth == 0) { tags = args > 1 ? word : ""; return 1 }
    else if (c == "," && depth == 1) { ++args; word = "" }
  }
  return 0
}

function count_test(list,    n, i, part, hidden, elsewhere, ids, nid, on, at, fits) {
  n = split(list, part, /[][]+/)
  for (i = 1; i <= n; ++i) {
    if (part[i] == "") continue
    if (part[i] ~ /^[.!]/) hidden = 1
    if (index(" " stores " ", " " part[i] " ")) on[part[i]] = 1
    if (part[i] == "memory") elsewhere = 1  # the store for tests: right, and no real store's code
    if (part[i] !~ /^[A-Z][0-9]+$/) continue
    if (part[i] in concerns) ids[++nid] = part[i]
    else wrong(began, "[" part[i] "] is no fault of the list")
  }
  if (nid == 0 || hidden) return
  ++naming
  for (i = 1; i <= nid; ++i) {
    fits = 0
    for (at = 1; at <= count; ++at)
      if (store_at[at] in on && (ids[i], store_at[at]) in needs) { ++shown[ids[i], store_at[at]]; fits = 1 }
    if (!fits && !elsewhere) wrong(began, "[" ids[i] "] without a store that it concerns")
  }
}

function table(    i, at, id, cell, row) {
  row = sprintf("%-4s", "")
  for (at = 1; at <= count; ++at) row = row sprintf("%7s", store_at[at])
  print row
  for (i = 1; i <= faults; ++i) {
    id = order[i]
    row = sprintf("%-4s", id)
    for (at = 1; at <= count; ++at) {
      cell = (id, store_at[at]) in needs ? shown[id, store_at[at]] + 0 : "-"
      row = row sprintf("%7s", cell)
    }
    print row
    for (at = 1; at <= count; ++at)
      if ((id, store_at[at]) in needs && !shown[id, store_at[at]]) {
        printf "no test names [%s] for [%s]\n", id, store_at[at]
        ++broken
      }
  }
}
