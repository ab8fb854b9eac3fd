// One life after the other in which another allocation fails, each in a process of its own.
#pragma once
#include "support/one_host.hpp"
#include "support/scarce.hpp"
#include <boost/asio/io_context.hpp>
#include <functional>
#include <vector>

namespace coelect::test {

enum class life_end { well = 0, wrong = 1, not_reached = 2 };  ///< Not reached: it has fewer allocations.

/// Every `step`th allocation of `life`, from the `first` on, fails once; all of them with COELECT_ROUNDS. `at_a_time`
/// processes. The numbers of those that end badly; Asio's own end for want of memory for an executor harms nobody.
std::vector<std::size_t> each_allocation_fails(std::function<life_end(std::size_t)> const& life, std::size_t step = 1,
                                               std::size_t first = 0, std::size_t at_a_time = 1);

/// Runs the loop as a server does that survives what its handlers throw; anything but bad_alloc is passed on.
bool goes_on(boost::asio::io_context& io, std::function<bool()> const& done, std::chrono::milliseconds limit);

using opened = std::function<std::shared_ptr<store>(boost::asio::io_context&)>;

struct reign {
  std::chrono::milliseconds lasts{};       ///< That long A leads.
  std::chrono::milliseconds patience{};    ///< For each step of A's.
  std::chrono::milliseconds afterwards{};  ///< Until then another one must lead.
};

/// A campaigns, leads and resigns, and the n-th allocation fails on the way. Afterwards A goes and B must be able to lead.
life_end one_reign(std::size_t n, opened const& open, reign const& how);
/// A waits while B leads; B resigns, and the n-th allocation fails on the way. Afterwards both go, and C must be able to.
life_end one_succession(std::size_t n, opened const& open, reign const& how);
/// A has led and resigned. It campaigns again and is answered, and the n-th allocation fails on the way. Afterwards A goes and
/// B must be able to lead. (One candidate: a second one of the same store would bring news to the first.)
life_end one_return(std::size_t n, opened const& open, reign const& how);

}  // namespace coelect::test
