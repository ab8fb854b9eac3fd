// What the fault tests share: stores behind a proxy, requests told apart, and a proxy that answers in Azurite's place.
#pragma once
#include "raw_blobs.hpp"
#include "support/fault_proxy.hpp"
#include "support/scripted_server.hpp"
#include <map>
#include <set>

namespace coelect::test {

/// The connection string of Azurite's account on another port.
inline std::string through(std::uint16_t port) {
  return "AccountName=devstoreaccount1;AccountKey=" + std::string(az::development_key) +
         ";BlobEndpoint=http://127.0.0.1:" + std::to_string(port) + "/devstoreaccount1";
}

/// Quick to give up and to try again.
inline azure_blob_store_options lively() {
  auto how = azure_process::options();
  how.timing.request_timeout = 700ms;
  how.timing.retry_min = 10ms;
  how.timing.retry_max = 100ms;
  return how;
}

inline std::string blob_of(std::string const& target) { return target.substr(0, target.find('?')); }

/// Of every blob's requests with that in their target the first one.
inline request_test first_of_each(std::string part) {
  auto const seen = std::make_shared<std::set<std::string>>();
  return [part = std::move(part), seen](proxy_request const& r) {
    return r.path.find(part) != r.path.npos && seen->insert(blob_of(r.path)).second;
  };
}

inline std::string http_answer(int status, std::string const& fields, std::string const& body = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " So\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
inline std::string azure_error(int status, std::string const& code, std::string const& more = {}) {
  return http_answer(status, "x-ms-error-code: " + code + "\r\n" + more,
                     "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code +
                         "</Code><Message>Said by a test.</Message></Error>");
}

/// Between a client and Azurite, one request per connection to it. Says something else when a rule says so.
class meddler {
public:
  using fits_fn = std::function<bool(std::string const& request)>;

  explicit meddler(std::uint16_t target)
      : target_(target), server_([this](scripted_peer& peer) {
          for (;;) {
            auto const request = peer.read_request();
            auto const instead = decide(request);
            peer.write(instead ? *instead : forward(request));
            if (!instead) return peer.close();
          }
        }) {}

  std::uint16_t port() const { return server_.port(); }
  /// The next `count` requests that fit are answered so, and Azurite does not see them.
  void answer(fits_fn fits, std::string text, std::size_t count = 1) {
    std::lock_guard const lock(mutex_);
    rules_.push_back({std::move(fits), std::move(text), count});
  }
  void pass() {
    std::lock_guard const lock(mutex_);
    rules_.clear();
  }
  /// Every request as it came.
  std::vector<std::string> requests() const {
    std::lock_guard const lock(mutex_);
    return requests_;
  }
  std::size_t meddled() const {
    std::lock_guard const lock(mutex_);
    return meddled_;
  }

private:
  struct rule {
    fits_fn fits;
    std::string text;
    std::size_t left;
  };

  std::optional<std::string> decide(std::string const& request) {
    std::lock_guard const lock(mutex_);
    requests_.push_back(request);
    for (auto& r : rules_) {
      if (r.left == 0 || !r.fits(request)) continue;
      --r.left;
      ++meddled_;
      return r.text;
    }
    return {};
  }

  std::string forward(std::string request) const {
    request.insert(request.find("\r\n") + 2, "Connection: close\r\n");
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket to(io);
    to.connect({boost::asio::ip::address_v4::loopback(), target_});
    boost::asio::write(to, boost::asio::buffer(request));
    std::string answer;
    char bytes[4096];
    for (boost::system::error_code ec;;) {
      auto const n = to.read_some(boost::asio::buffer(bytes), ec);
      answer.append(bytes, n);
      if (ec) return answer;
    }
  }

  std::uint16_t target_;
  mutable std::mutex mutex_;
  std::vector<rule> rules_;
  std::vector<std::string> requests_;
  std::size_t meddled_ = 0;
  scripted_server server_;
};

inline meddler::fits_fn has(std::string part, std::string blob = "/") {
  return [part = std::move(part), blob = std::move(blob)](std::string const& r) {
    return r.find(part) != r.npos && r.substr(0, r.find("\r\n")).find(blob) != r.npos;
  };
}
inline meddler::fits_fn is_action(std::string const& action, std::string blob = "/") {
  return has("x-ms-lease-action: " + action + "\r\n", std::move(blob));
}
inline meddler::fits_fn is_term_write(std::string blob = "/") { return has("comp=metadata", std::move(blob)); }

}  // namespace coelect::test
