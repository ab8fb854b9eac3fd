// Credentials of every kind for Azurite, and a process whose every word is looked through for them.
#pragma once
#include "base/hmac.hpp"
#include "raw_blobs.hpp"
#include <regex>

namespace coelect::test {

inline std::string date_from_now(std::chrono::seconds off) {
  auto const when = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + off);
  char text[32];
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

inline std::string signed_text(std::string const& text) {
  return base::base64(base::hmac_sha256(base::from_base64(az::development_key).value(), text));
}

/// A service's signature for one container. Section 6.1 of the protocol notes has the order.
inline std::string container_sas(std::string const& permissions, std::chrono::seconds life,
                                 std::string const& container = "leases") {
  auto const end = date_from_now(life);
  auto const text =
      permissions + "\n\n" + end + "\n/blob/devstoreaccount1/" + container + "\n\n\n\n2021-12-02\nc\n\n\n\n\n\n\n";
  return "sv=2021-12-02&se=" + az::encode_value(end) + "&sr=c&sp=" + permissions +
         "&sig=" + az::encode_value(signed_text(text));
}
/// An account's: it may create containers.
inline std::string account_sas(std::string const& permissions, std::chrono::seconds life) {
  auto const end = date_from_now(life);
  auto const text = "devstoreaccount1\n" + permissions + "\nb\nsco\n\n" + end + "\n\n\n2021-12-02\n\n";
  return "?sv=2021-12-02&ss=b&srt=sco&se=" + az::encode_value(end) + "&sp=" + permissions +
         "&sig=" + az::encode_value(signed_text(text));
}

/// A token that Azurite believes: it looks at claims, not at signatures. Its last part is a canary.
inline std::string token(std::chrono::seconds life, std::string const& issuer = "https://sts.windows.net/") {
  auto const url64 = [](std::string const& text) {
    auto coded = base::base64(text);
    std::replace(coded.begin(), coded.end(), '+', '-');
    std::replace(coded.begin(), coded.end(), '/', '_');
    while (coded.ends_with('=')) coded.pop_back();
    return coded;
  };
  auto const now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  auto const at = [&](std::chrono::seconds off) { return std::to_string((now + off).count()); };
  return url64(R"({"alg":"none","typ":"JWT"})") + "." +
         url64(R"({"aud":"https://storage.azure.com","iss":")" + issuer +
               R"(ab1f708d-50f6-404c-a006-d71b2ac7a606/","iat":)" + at(-600s) + R"(,"nbf":)" + at(-600s) +
               R"(,"exp":)" + at(life) + "}") +
         ".canary4711";
}
inline azure_credential brings(std::string text) {
  return azure_credential::token([text](std::function<void(error_code, azure_token)> const& done) {
    done({}, {text, std::chrono::hours(1)});
  });
}

/// Looks through its log, and through whatever goes through heard(), for what must be secret.
struct discreet_process : azure_process {
  std::vector<std::string> secrets{std::string(az::development_key), "Eby8vdM02xNOcq", "canary", "Y2FuYXJ5"};

  ~discreet_process() {
    for (auto const& line : lines) heard(line);
    CHECK_FALSE(lines.empty());
  }
  std::string heard(std::string const& text) const {
    INFO(text);
    for (auto const& s : secrets) CHECK(text.find(s) == text.npos);
    static std::regex const signature("sig=[A-Za-z0-9%+/]");
    CHECK_FALSE(std::regex_search(text, signature));
    CHECK(text.find("eyJ") == text.npos);
    CHECK(text.find("SharedKey ") == text.npos);
    return text;
  }
  std::string said_by(elector const& e) const { return heard(e.last_answer().message()); }

  std::shared_ptr<store> make(std::string url, azure_credential who, azure_blob_store_options how = options()) {
    how.account_url = std::move(url);
    how.credential = std::move(who);
    how.log = [this](severity, std::string_view line) { lines.emplace_back(line); };
    return make_azure_blob_store(io.get_executor(), std::move(how));
  }
  /// What the library throws for these settings; empty when it does not.
  std::string refusal(std::string url, azure_credential who, azure_blob_store_options how = options()) {
    try {
      make(std::move(url), std::move(who), std::move(how));
    } catch (election_error const& e) {
      CHECK(e.code() == errc::bad_options);
      lines.emplace_back(e.details().message());
      return heard(e.details().message());
    }
    return {};
  }
  /// A campaign that must fail for good, and what is said of it.
  std::string refused(std::shared_ptr<store> where, errc code = errc::unauthorized) {
    auto e = make_elector(std::move(where), "A");
    CHECK(campaign_error(e, 6s) == code);
    return said_by(e);
  }
};

inline azure_credential the_key() {
  return azure_credential::shared_key("devstoreaccount1", std::string(az::development_key));
}

}  // namespace coelect::test
