// The texts of --help that are more than one line about a flag.
#pragma once

namespace coelect::cli::help {

extern char const* const program;
extern char const* const program_more;
extern char const* const campaign;
extern char const* const campaign_more;
extern char const* const run;
extern char const* const run_more;
extern char const* const leader;
extern char const* const leader_more;
extern char const* const watch;
extern char const* const watch_more;
extern char const* const depose;
extern char const* const depose_more;
extern char const* const demo;
extern char const* const demo_more;
extern char const* const simulate;
extern char const* const simulate_more;
extern char const* const check;
extern char const* const check_more;

}  // namespace coelect::cli::help
