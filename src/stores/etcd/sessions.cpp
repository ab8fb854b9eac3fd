// The sessions of one store: usually one, and another one for each further candidate of the same election.
#include "stores/etcd/sessions.hpp"

namespace coelect::stores::etcd {

std::shared_ptr<session> sessions::take(std::string const& election) {
  std::erase_if(all_, [](auto const& s) { return s.use_count() == 1 && s->finished(); });
  for (auto const& s : all_) {
    if (!s->open_for(election)) continue;
    s->take(election);
    return s;
  }
  auto made = std::make_shared<session>(shared_);
  made->take(election);
  all_.push_back(made);
  return made;
}

void sessions::end_all(error_code why, std::string const& detail) {
  auto const all = all_;
  for (auto const& s : all) s->end(why, detail);
}

void sessions::revoke_all() {
  for (auto const& s : all_) s->revoke();
}

}  // namespace coelect::stores::etcd
