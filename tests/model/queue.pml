/* Decides whether etcd's queue of keys can have two first ones, or a key that nobody stands for. No clocks: lease.pml has those.
 *
 * Two processes, one election. Each has one lease that lives on between its candidacies, so its key has the same name
 * every time. Requests that were given up may be carried out later, in any order. README.md says what is left out.
 */

#ifndef CANDIDACIES
#define CANDIDACIES 3      /* of both processes together */
#endif
#ifndef TRIES
#define TRIES 2            /* requests that are given up, in all */
#endif
#ifndef LEASE_ENDS
#define LEASE_ENDS 0       /* 1: the lease of somebody who waits may end; its key goes, and it hears of it late */
#endif

/* --- The rules; 0 makes a mutant ------------------------------------------------------------------------------------ */

#ifndef ERASE_OWN_ONLY
#define ERASE_OWN_ONLY 1   /* R6: a release erases the key of its own candidacy only */
#endif
#ifndef WIN_BY_WRITE
#define WIN_BY_WRITE 1     /* R9: the transaction that shows our key as the oldest one also writes */
#endif
#ifndef GENERATION_KEY
#define GENERATION_KEY 1   /* R14: a campaign transaction compares it; a stuck one is made void before another is sent */
#endif

#ifndef WITNESS
#define WITNESS 0
#endif
#define VOIDED 1           /* a stuck campaign transaction arrives and is refused */
#define ADOPTED 2          /* a key that a stuck transaction made is taken over */
#define SUCCEEDED 3        /* who waited wins */
#define happens(what) assert(WITNESS != what)

/* --- State ---------------------------------------------------------------------------------------------------------- */

/* resting: no candidacy, and the release of the last one, if there was any, is confirmed. */
mtype:phase = { resting, standing, doubting, waiting, leading, leaving, ended };
mtype:kind = { nothing, stand, make_void, verify, erase };

/* A request and, once it is answered, what it said. */
typedef message {
  mtype:kind what = nothing;
  byte compares;      /* stand: generation; verify and erase: create revision */
  bool answered;
  bool yes;
  byte revision;
  byte own_key;       /* its create revision as the store had it */
  bool first;         /* our key was the oldest one */
}

typedef process_state {
  mtype:phase phase = resting;
  byte created;       /* create revision of our key; 0: none that we know of */
  byte generation;    /* as far as we know */
  bool adopts;        /* a key that is there already can only be ours */
  message mail;
  mtype:kind late_what = nothing;  /* given up, but still under way */
  byte late_compares;
}
process_state p[2];

/* The store. */
byte revision;         /* counts keys that were made; generations are counted apart, for they meet only themselves */
byte created[2];      /* of the candidates' keys; 0: not there */
byte generation[2];
bool lease_gone[2];
bool was_first[2];    /* our key, the present or an earlier one, was the oldest one once: what a stale read may show */
byte last_token;

byte candidacies;     /* begun so far */
byte given_up;        /* requests, so far */

#define is_first(n_, other_) (created[n_] > 0 && (created[other_] == 0 || created[n_] < created[other_]))
#define quiet(n_) (p[n_].mail.what == nothing)

inline forget_mail(n) {
  p[n].mail.what = nothing;
  p[n].mail.compares = 0;
  p[n].mail.answered = false;
  p[n].mail.yes = false;
  p[n].mail.revision = 0;
  p[n].mail.own_key = 0;
  p[n].mail.first = false
}

inline send(n, what_, compares_) {
  p[n].mail.what = what_;
  p[n].mail.compares = compares_
}

/* --- The candidate -------------------------------------------------------------------------------------------------- */

inline win(n) {
  p[n].phase = leading;
  assert(p[1 - n].phase != leading);
  assert(p[n].created > last_token);  /* R7 */
  last_token = p[n].created
}

inline judge_place(n) {
  if
  :: p[n].mail.first -> win(n)
  :: else -> p[n].phase = waiting
  fi
}

inline rest(n) {
  p[n].phase = resting;
  p[n].created = 0;
  p[n].adopts = false
}

inline stood(n) {
  if
  :: p[n].mail.yes ->
     p[n].created = p[n].mail.revision;
     p[n].adopts = false;
     judge_place(n)
  :: !p[n].mail.yes && p[n].mail.own_key > 0 && p[n].adopts ->
     happens(ADOPTED);
     p[n].created = p[n].mail.own_key;
     p[n].adopts = false;
     p[n].phase = waiting
  :: !p[n].mail.yes && p[n].mail.own_key > 0 && !p[n].adopts -> p[n].phase = leaving
  :: !p[n].mail.yes && p[n].mail.own_key == 0 -> p[n].generation = p[n].mail.revision  /* and stands again */
  fi
}

/* R14. Whatever was sent before has been carried out by now, or never will be. */
inline made_void(n) {
  p[n].generation = p[n].mail.revision;
  if
  :: p[n].phase == doubting ->
     p[n].adopts = true;
     p[n].phase = standing
  :: p[n].phase == leaving && p[n].mail.own_key > 0 -> p[n].created = p[n].mail.own_key
  :: p[n].phase == leaving && p[n].mail.own_key == 0 -> rest(n)
  :: else
  fi
}

inline hear_answer(n) {
  if
  :: lease_gone[n] -> p[n].phase = ended
  :: !lease_gone[n] && p[n].mail.what == stand && p[n].phase == standing -> stood(n)
  :: !lease_gone[n] && p[n].mail.what == make_void -> made_void(n)
  :: !lease_gone[n] && p[n].mail.what == verify && p[n].phase == waiting ->
     if
     :: p[n].mail.first ->
        if
        :: created[1 - n] == 0 && last_token > 0 -> happens(SUCCEEDED)
        :: else
        fi;
        win(n)
     :: else
     fi
  :: !lease_gone[n] && p[n].mail.what == erase -> rest(n)
  :: else
  fi;
  forget_mail(n)
}

/* No answer in time. What was asked may be carried out still, or again. */
inline give_up_waiting(n) {
  given_up++;
  if
  :: p[n].late_what == nothing && p[n].mail.what != verify ->  /* that one changes nothing */
     p[n].late_what = p[n].mail.what;
     p[n].late_compares = p[n].mail.compares
  :: true
  fi;
  if
  :: p[n].mail.what == stand && p[n].phase == standing -> p[n].phase = doubting
  :: else
  fi;
  forget_mail(n)
}

active [2] proctype candidate() {
  byte me = _pid;
  do
  :: atomic { p[me].phase == resting && quiet(me) && candidacies < CANDIDACIES ->
       candidacies++;
       p[me].phase = standing }
  :: atomic { p[me].phase == standing && quiet(me) ->
       send(me, stand, p[me].generation) }
  :: atomic { p[me].phase == doubting && quiet(me) ->  /* make_void_and_stand */
       if
       :: GENERATION_KEY -> send(me, make_void, 0)
       :: !GENERATION_KEY ->
          p[me].adopts = true;
          p[me].phase = standing
       fi }
  :: atomic { p[me].phase == waiting && quiet(me) ->  /* its turn, it thinks: the one before is gone, or may be */
       send(me, verify, p[me].created) }
  :: atomic { p[me].phase != resting && p[me].phase != leaving && p[me].phase != ended && quiet(me) ->  /* withdraws or resigns */
       if
       :: p[me].phase == standing && !p[me].adopts -> rest(me)  /* nothing was sent */
       :: else -> p[me].phase = leaving
       fi }
  :: atomic { p[me].phase == leaving && quiet(me) && p[me].created > 0 ->
       send(me, erase, p[me].created) }
  :: atomic { p[me].phase == leaving && quiet(me) && p[me].created == 0 ->  /* was it made? */
       if
       :: GENERATION_KEY -> send(me, make_void, 0)
       :: !GENERATION_KEY -> send(me, erase, 0)
       fi }
  :: atomic { !quiet(me) && p[me].mail.answered ->
       hear_answer(me) }
  :: atomic { !quiet(me) && given_up < TRIES ->
       give_up_waiting(me) }
  od
}

/* --- The store ------------------------------------------------------------------------------------------------------ */

inline note_first() {
  was_first[0] = was_first[0] || is_first(0, 1);
  was_first[1] = was_first[1] || is_first(1, 0)
}

/* When the key is not there and the generation is what the sender knew: put the key, look who is the oldest. */
inline carry_out_stand(n, compares_, yes_, revision_, own_key_) {
  own_key_ = created[n];
  if
  :: created[n] == 0 && (!GENERATION_KEY || generation[n] == compares_) && !lease_gone[n] ->
     revision++;
     created[n] = revision;
     yes_ = true;
     revision_ = revision
  :: else ->
     yes_ = false;
     revision_ = generation[n]
  fi
}

inline carry_out_void(n, revision_, own_key_) {
  generation[n]++;
  revision_ = generation[n];
  own_key_ = created[n]
}

inline carry_out_erase(n, compares_) {
  if
  :: created[n] > 0 && (created[n] == compares_ || !ERASE_OWN_ONLY || compares_ == 0) -> created[n] = 0
  :: else
  fi
}

inline answer_mail(n) {
  if
  :: p[n].mail.what == stand ->
     carry_out_stand(n, p[n].mail.compares, p[n].mail.yes, p[n].mail.revision, p[n].mail.own_key);
     p[n].mail.first = p[n].mail.yes && is_first(n, 1 - n)
  :: p[n].mail.what == make_void -> carry_out_void(n, p[n].mail.revision, p[n].mail.own_key)
  :: p[n].mail.what == verify && WIN_BY_WRITE ->
     p[n].mail.first = created[n] == p[n].mail.compares && is_first(n, 1 - n)
  :: p[n].mail.what == verify && !WIN_BY_WRITE ->  /* a read may come from the past */
     if
     :: p[n].mail.first = created[n] == p[n].mail.compares && is_first(n, 1 - n)
     :: was_first[n] -> p[n].mail.first = true
     fi
  :: p[n].mail.what == erase -> carry_out_erase(n, p[n].mail.compares)
  fi;
  p[n].mail.answered = true;
  note_first()
}

/* What nobody stands for must not come into being: it would block everybody for as long as the lease is renewed. */
inline carry_out_late(n) {
  if
  :: p[n].late_what == stand ->
     carry_out_stand(n, p[n].late_compares, scratch_yes, scratch_revision, scratch_key);
     assert(!scratch_yes || p[n].phase != resting);
     if
     :: !scratch_yes && created[n] == 0 && !lease_gone[n] -> happens(VOIDED)
     :: else
     fi
  :: p[n].late_what == make_void -> carry_out_void(n, scratch_revision, scratch_key)
  :: p[n].late_what == erase -> carry_out_erase(n, p[n].late_compares)
  fi;
  scratch_yes = false;
  scratch_revision = 0;
  scratch_key = 0;
  p[n].late_what = nothing;
  p[n].late_compares = 0;
  note_first()
}

active proctype store() {
  byte n;
  bool scratch_yes;
  byte scratch_revision;
  byte scratch_key;
  do
  :: atomic {
       if
       :: n = 0
       :: n = 1
       fi;
       if
       :: !quiet(n) && !p[n].mail.answered -> answer_mail(n)
       :: else
       fi;
       n = 0 }
  :: atomic {
       if
       :: n = 0
       :: n = 1
       fi;
       if
       :: p[n].late_what != nothing -> carry_out_late(n)
       :: else
       fi;
       n = 0 }
  :: atomic { LEASE_ENDS ->  /* of a leader: that is what lease.pml is about */
       if
       :: n = 0
       :: n = 1
       fi;
       if
       :: p[n].phase == waiting ->
          created[n] = 0;
          lease_gone[n] = true
       :: else
       fi;
       n = 0 }
  od
}
