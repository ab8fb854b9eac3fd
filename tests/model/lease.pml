/* Decides whether a lease that is trusted by the rules can be held by two: clocks, late and lost requests, a store that lies.
 *
 * Two candidates, one seat, discrete time. Who reads it for the first time begins with "The candidate".
 * tests/model/check sets the constants below; README.md says what is left out.
 */

/* --- The world ----------------------------------------------------------------------------------------------------- */

#ifndef TTL
#define TTL 4            /* ticks of the store's clock from a grant or renewal to the end of the lease */
#endif
#ifndef DRIFT
#define DRIFT 1          /* ticks that a candidate's clock may fail to count, from any one sending on */
#endif
#ifndef CANDIDACIES
#define CANDIDACIES 2    /* of both candidates together */
#endif
#ifndef TERMS
#define TERMS 2          /* that the store grants, then no more */
#endif
#ifndef LATE
#define LATE 1           /* 1: what was given up, or was answered already, may be carried out (again) at any time */
#endif
#ifndef DEAD_ACK
#define DEAD_ACK 1       /* 1: the store may say yes to the renewal of a lease that is over, or revive it */
#endif
#ifndef RAFT_CHANGES
#define RAFT_CHANGES 0   /* how often the store's raft leader changes; a deposed one goes on saying yes to keep-alives */
#endif
#ifndef OPERATOR
#define OPERATOR 0       /* how often somebody deletes the leader's key */
#endif
#ifndef NEWS_WITHIN
#define NEWS_WITHIN 1    /* ticks until the watch has told a leader that its key is gone */
#endif
#ifndef WRITES
#define WRITES 0         /* 1: leaders write into a resource, any time after they have asked valid() */
#endif

/* --- The rules; 0 makes a mutant ------------------------------------------------------------------------------------ */

#ifndef MARGIN
#define MARGIN DRIFT         /* what the deadline is earlier by, for the clocks */
#endif
#ifndef FROM_SENDING
#define FROM_SENDING 1       /* R1: the deadline counts from before the request was sent, not from its answer */
#endif
#ifndef NO_RESURRECTION
#define NO_RESURRECTION 1    /* R2: an answer after the deadline is no answer */
#endif
#ifndef ASKS_THE_CLOCK
#define ASKS_THE_CLOCK 1     /* R4: valid() looks at the clock; 0: at a flag that somebody clears */
#endif
#ifndef FRESH_IDENTITY
#define FRESH_IDENTITY 1     /* R6: a new name for every candidacy */
#endif
#ifndef LOCAL_LOSS_FIRST
#define LOCAL_LOSS_FIRST 1   /* R6: the term is over here before the release is sent */
#endif
#ifndef FENCED
#define FENCED 1             /* R7: the resource refuses tokens below the highest it has seen */
#endif
#ifndef OWN_KEY_WATCH
#define OWN_KEY_WATCH 1      /* R8 */
#endif
#ifndef FAILURE_IS_NOTHING
#define FAILURE_IS_NOTHING 1 /* R12: no failure moves the deadline */
#endif
#ifndef ANCHORED
#define ANCHORED 0           /* R13: a keep-alive counts only after a put in the same raft term; for RAFT_CHANGES > 0 */
#endif

/* --- What is checked ------------------------------------------------------------------------------------------------ */

#ifndef CHECK_OVERLAP
#define CHECK_OVERLAP 1  /* 0: the world is bad enough that two may hold valid terms; what is left is the fence */
#endif
#ifndef WITNESS
#define WITNESS 0        /* names something that must be able to happen; "error" then means that it did */
#endif
#define TAKEOVER 1       /* a term begins while somebody has yet to notice that his own ran out */
#define KEPT_ALIVE 2     /* a renewal counts */
#define STALE_WRITE 3    /* the fence refuses a write */
#define ROBBED 4         /* two are valid at once after an operator's deletion */
#define happens(what) assert(WITNESS != what)

/* --- State ---------------------------------------------------------------------------------------------------------- */

#define NOBODY 2
mtype:phase = { idle, standing, leading };
mtype:kind = { nothing, acquire, renew, confirm, release };

/* An age counts ticks of the owner's clock; `missed` are the true ticks that this clock failed to count meanwhile. */
typedef message {
  mtype:kind what = nothing;
  byte identity;
  byte age;
  byte missed;
  bool answered;
  bool yes;
  byte token;
  byte raft_term;
}

typedef candidate_state {
  mtype:phase phase = idle;
  byte identity;
  byte age;       /* since the sending of what the deadline counts from */
  byte missed;
  byte token;
  bool wants_to_write;
  byte write_token;
  message mail;   /* one request at a time, or its answer */
}
candidate_state c[2];

/* The store. The lease runs while left > 0; afterwards the seat is free, and who had it is still written there. */
byte holder = NOBODY;
byte holder_identity;
byte left;
byte last_token;
byte raft_term;
byte operator_acts;

/* A request under way without anybody who waits for its answer. */
mtype:kind late_what = nothing;
byte late_from;
byte late_identity;

byte identities;       /* given out so far */
byte highest_written;  /* at the resource */
bool robbed[2];        /* its key was deleted under it, and it has not heard */
byte news_age;         /* ticks since then */

#define in_time(age_) (age_ + MARGIN < TTL)
#define valid(n) (c[n].phase == leading && (!ASKS_THE_CLOCK || in_time(c[n].age)))
#define both_valid (valid(0) && valid(1))
#define news_due(n) (robbed[n] && c[n].phase == leading)  /* the watch begins with the answer that says: you lead */
#define has_seat(n, identity_) (left > 0 && holder == n && holder_identity == identity_)

/* --- Small steps ---------------------------------------------------------------------------------------------------- */

inline forget_mail(n) {
  c[n].mail.what = nothing;
  c[n].mail.identity = 0;
  c[n].mail.age = 0;
  c[n].mail.missed = 0;
  c[n].mail.answered = false;
  c[n].mail.yes = false;
  c[n].mail.token = 0;
  c[n].mail.raft_term = 0;
}

inline send(n, what_) {
  c[n].mail.what = what_;
  c[n].mail.identity = c[n].identity;
}

inline end_term(n) {
  c[n].phase = idle;
  c[n].age = 0;
  c[n].missed = 0;
  c[n].token = 0;
  robbed[n] = false;
}

/* One true tick on a clock of candidate n: counted, or missed while there is drift left. */
inline grow_older(age_, missed_) {
  if
  :: age_ < TTL ->
     if
     :: age_ = age_ + 1
     :: missed_ < DRIFT -> missed_ = missed_ + 1
     fi
  :: else
  fi
}

/* R1: the term is trusted from the sending of `mail` on. Only ever longer: an older sending does not count. */
inline adopt_deadline(n) {
  if
  :: !FROM_SENDING ->
     c[n].age = 0;
     c[n].missed = 0
  :: FROM_SENDING && c[n].mail.age < c[n].age ->
     c[n].age = c[n].mail.age;
     c[n].missed = c[n].mail.missed
  :: else
  fi
}

/* What there is to say whenever somebody has become, or stayed, valid. */
inline look_for_two() {
  if
  :: both_valid && (robbed[0] || robbed[1]) -> happens(ROBBED)
  :: else
  fi;
  assert(!CHECK_OVERLAP || !both_valid || robbed[0] || robbed[1])
}

/* --- The resource --------------------------------------------------------------------------------------------------- */

/* R7: admits a token that is not below the highest so far. What arrives must not be older than what was accepted. */
inline write_arrives(n) {
  if
  :: FENCED && c[n].write_token < highest_written -> happens(STALE_WRITE)
  :: else ->
     assert(c[n].write_token >= highest_written);
     highest_written = c[n].write_token
  fi;
  c[n].wants_to_write = false;
  c[n].write_token = 0
}

/* --- The candidate -------------------------------------------------------------------------------------------------- */

/* R6. A name that nobody has had. The mutant uses the process's own name again and again. */
inline begin_candidacy(n) {
  if
  :: FRESH_IDENTITY -> identities++; c[n].identity = identities
  :: !FRESH_IDENTITY -> c[n].identity = n + 1
  fi;
  c[n].phase = standing
}

inline win(n) {
  if
  :: in_time(c[n].mail.age) || !FROM_SENDING ->
     c[n].phase = leading;
     c[n].token = c[n].mail.token;
     c[n].age = TTL;
     adopt_deadline(n);
     look_for_two();
     if
     :: c[1 - n].phase == leading && operator_acts == 0 -> happens(TAKEOVER)
     :: else
     fi
  :: else  /* the answer took longer than the lease is trusted: leave, and stand again under another name */
     -> end_term(n)
  fi
}

/* R13: the answer to a keep-alive is believed only after a put that was committed in the same raft term. */
inline confirm_renewal(n) {
  c[n].mail.what = confirm;
  c[n].mail.answered = false;
  c[n].mail.yes = false
}

inline renewal_counts(n) {
  if
  :: valid(n) || !NO_RESURRECTION ->
     adopt_deadline(n);
     happens(KEPT_ALIVE);
     look_for_two()
  :: else -> end_term(n)  /* R2 */
  fi
}

inline hear_answer(n) {
  if
  :: c[n].mail.identity != c[n].identity -> forget_mail(n)
  :: c[n].mail.identity == c[n].identity && c[n].mail.what == acquire ->
     if
     :: c[n].phase == standing && c[n].mail.yes -> win(n)
     :: else
     fi;
     forget_mail(n)
  :: c[n].mail.identity == c[n].identity && c[n].mail.what == renew && ANCHORED && c[n].phase == leading && c[n].mail.yes ->
     confirm_renewal(n)
  :: else ->
     if
     :: c[n].phase != leading || c[n].mail.what == release ->
        if
        :: !LOCAL_LOSS_FIRST && c[n].mail.what == release && c[n].phase == leading -> end_term(n)
        :: else
        fi
     :: c[n].phase == leading && c[n].mail.what != release && c[n].mail.yes -> renewal_counts(n)
     :: c[n].phase == leading && c[n].mail.what != release && !c[n].mail.yes -> end_term(n)
     fi;
     forget_mail(n)
  fi
}

/* The request or its answer is lost, or the candidate will not wait any longer. The request itself may still arrive. */
inline give_up_waiting(n) {
  if
  :: !FAILURE_IS_NOTHING && c[n].mail.what == renew && c[n].phase == leading && c[n].age > 0 -> c[n].age--
  :: else
  fi;
  if
  :: LATE && late_what == nothing && !c[n].mail.answered && c[n].mail.what != confirm ->
     late_what = c[n].mail.what;
     late_from = n;
     late_identity = c[n].mail.identity
  :: true
  fi;
  forget_mail(n)
}

active [2] proctype candidate() {
  byte me = _pid;
  do
  :: atomic { c[me].phase == idle && c[me].mail.what == nothing && (!FRESH_IDENTITY || identities < CANDIDACIES) ->
       begin_candidacy(me) }
  :: atomic { c[me].phase == standing && c[me].mail.what == nothing ->
       send(me, acquire) }
  :: atomic { c[me].phase == standing && c[me].mail.what == nothing ->  /* withdraws, or leaves after trouble */
       send(me, release);
       end_term(me) }
  :: atomic { valid(me) && c[me].mail.what == nothing ->
       send(me, renew) }
  :: atomic { c[me].phase == leading && c[me].mail.what == nothing ->  /* resigns, or leaves after its end */
       send(me, release);
       if
       :: LOCAL_LOSS_FIRST -> end_term(me)
       :: else
       fi }
  :: atomic { c[me].phase == leading && !in_time(c[me].age) ->  /* R3: the timer fires, sooner or later */
       end_term(me) }
  :: atomic { robbed[me] && OWN_KEY_WATCH ->  /* R8: the watch says that the key is gone */
       end_term(me) }
  :: atomic { c[me].mail.what != nothing && c[me].mail.answered ->
       hear_answer(me) }
  :: atomic { c[me].mail.what != nothing ->
       give_up_waiting(me) }
  :: atomic { WRITES && valid(me) && !c[me].wants_to_write ->  /* asks valid() ... */
       c[me].wants_to_write = true;
       c[me].write_token = c[me].token }
  :: atomic { c[me].wants_to_write ->  /* ... and acts, any time later: nobody can prevent that pause */
       write_arrives(me) }
  od
}

/* --- The store ------------------------------------------------------------------------------------------------------ */

/* Asking twice under one name is harmless: the second one finds its own seat. */
inline grant(n, identity_) {
  if
  :: left == 0 && last_token < TERMS && c[n].identity == identity_ -> robbed[n] = false  /* news of an earlier key */
  :: else
  fi;
  if
  :: left == 0 && last_token < TERMS ->
     last_token++;
     holder = n;
     holder_identity = identity_;
     left = TTL
  :: has_seat(n, identity_) -> left = TTL
  :: else
  fi
}

/* Whoever was paused as raft leader says yes without asking anybody, and only he extends anything. */
inline carry_out_renewal(n, identity_, yes_, raft_term_) {
  raft_term_ = raft_term;
  if
  :: raft_term > 0 -> raft_term_ = raft_term - 1; yes_ = true  /* a deposed raft leader answers */
  :: has_seat(n, identity_) -> left = TTL; yes_ = true
  :: !has_seat(n, identity_) -> yes_ = false
  :: !has_seat(n, identity_) && DEAD_ACK -> yes_ = true
  :: left == 0 && holder == n && holder_identity == identity_ && DEAD_ACK && !robbed[n] -> left = TTL; yes_ = true
  fi
}

inline carry_out_release(n, identity_) {
  if
  :: has_seat(n, identity_) -> left = 0
  :: else
  fi
}

inline answer_mail(n) {
  if
  :: c[n].mail.what == acquire ->
     grant(n, c[n].mail.identity);
     c[n].mail.yes = has_seat(n, c[n].mail.identity);
     if
     :: c[n].mail.yes -> c[n].mail.token = last_token
     :: else
     fi
  :: c[n].mail.what == renew -> carry_out_renewal(n, c[n].mail.identity, c[n].mail.yes, c[n].mail.raft_term)
  :: c[n].mail.what == confirm ->  /* a put under the lease, through raft: only the leader of this raft term commits it */
     c[n].mail.yes = has_seat(n, c[n].mail.identity) && c[n].mail.raft_term == raft_term
  :: c[n].mail.what == release -> carry_out_release(n, c[n].mail.identity)
  fi;
  c[n].mail.answered = true
}

/* Carried out at last, or once more. Nobody hears the answer. */
inline carry_out_late() {
  if
  :: late_what == acquire -> grant(late_from, late_identity)
  :: late_what == renew ->
     if
     :: has_seat(late_from, late_identity) -> left = TTL
     :: else
     fi
  :: late_what == release -> carry_out_release(late_from, late_identity)
  fi;
  late_what = nothing;
  late_from = 0;
  late_identity = 0
}

/* The same request once more: a client's own retry, or a proxy's. */
inline keep_a_copy(n) {
  late_what = c[n].mail.what;
  late_from = n;
  late_identity = c[n].mail.identity
}

active proctype store() {
  byte n;
  do
  :: atomic {
       if
       :: n = 0
       :: n = 1
       fi;
       if
       :: c[n].mail.what != nothing && !c[n].mail.answered ->
          answer_mail(n);
          if
          :: LATE && late_what == nothing && c[n].mail.what != confirm -> keep_a_copy(n)
          :: true
          fi
       :: else
       fi;
       n = 0 }
  :: atomic { late_what != nothing ->
       carry_out_late() }
  :: atomic { late_what != nothing ->
       late_what = nothing;
       late_from = 0;
       late_identity = 0 }
  :: atomic { raft_term < RAFT_CHANGES ->  /* leases live on as they were, or begin anew */
       raft_term++;
       if
       :: left > 0 -> left = TTL
       :: true
       fi }
  :: atomic { operator_acts < OPERATOR && left > 0 ->
       operator_acts++;
       left = 0;
       if
       :: c[holder].phase != idle && c[holder].identity == holder_identity -> robbed[holder] = true
       :: else
       fi }
  od
}

/* --- Time ----------------------------------------------------------------------------------------------------------- */

inline tick_for(n) {
  if
  :: c[n].phase == leading -> grow_older(c[n].age, c[n].missed)
  :: else
  fi;
  if
  :: c[n].mail.what != nothing -> grow_older(c[n].mail.age, c[n].mail.missed)
  :: else
  fi
}

/* A tick for everybody. A leader that was robbed has heard of it before NEWS_WITHIN ticks are over. */
active proctype time() {
  do
  :: atomic { !OWN_KEY_WATCH || !(news_due(0) || news_due(1)) || news_age < NEWS_WITHIN ->
       if
       :: left > 0 -> left--
       :: else
       fi;
       tick_for(0);
       tick_for(1);
       if
       :: news_due(0) || news_due(1) ->
          news_age = (news_age > NEWS_WITHIN -> news_age : news_age + 1);
          assert(!both_valid || news_age <= NEWS_WITHIN)
       :: else -> news_age = 0
       fi }
  od
}
