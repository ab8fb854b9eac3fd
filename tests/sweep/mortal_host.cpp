// A process on virtual time whose event loop can be stopped, and destroyed before the world it lives in.
#include "mortal_host.hpp"
#include <boost/asio/post.hpp>

namespace coelect::test {

namespace {

/// Rings on the ground's loop and passes it on to the mortal one, if that is still wanted by then.
class mortal_alarm final : public alarm {
public:
  mortal_alarm(std::unique_ptr<alarm> inner, boost::asio::any_io_executor where)
      : inner_(std::move(inner)), where_(std::move(where)) {}

  void set(instant when, std::function<void()> ring) override {
    set_ = std::make_shared<setting>(setting{where_, std::move(ring)});
    inner_->set(when, [weak = std::weak_ptr(set_)] {
      auto const due = weak.lock();
      if (!due) return;
      boost::asio::post(due->where, [weak] {
        auto const still = weak.lock();
        if (still) still->ring();
      });
    });
  }
  void clear() override {
    set_.reset();
    inner_->clear();
  }

private:
  struct setting {
    boost::asio::any_io_executor where;
    std::function<void()> ring;
  };
  std::unique_ptr<alarm> inner_;
  boost::asio::any_io_executor where_;
  std::shared_ptr<setting> set_;
};

}  // namespace

std::unique_ptr<alarm> mortal_host::make_alarm(boost::asio::any_io_executor where) {
  return std::make_unique<mortal_alarm>(ground_->make_alarm(ground_->io.get_executor()), std::move(where));
}

bool mortal_host::run_one() {
  if (!loop_ || halted_) return false;
  if (loop_->stopped()) loop_->restart();
  return loop_->poll_one() == 1;
}

void mortal_host::halt() {
  halted_ = true;
  loop_->stop();
}

}  // namespace coelect::test
