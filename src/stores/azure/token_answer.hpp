// Reads what token services and programs answer: tokens, their lives, and refusals.
#pragma once
#include "http/message.hpp"
#include "stores/azure/token_source.hpp"
#include <coelect/store_context.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace coelect::stores::azure {

/// A token as it came, if it is one: 1 to 16,384 visible ASCII characters, good for some time.
fetched check_token(std::string_view who, std::string_view token, std::chrono::seconds good_for);

/// {"access_token": ..., "expires_in" or "expires_on": seconds as a number or as a string}
fetched read_token_answer(std::string_view who, std::string_view body, std::chrono::system_clock::time_point now);

/// What `az account get-access-token` prints.
fetched read_cli_answer(std::string_view who, std::string_view text, std::chrono::system_clock::time_point now);

/// What a token service said when it refused. `look_at`: the settings that may be wrong. A description that
/// repeats `hidden` is left out.
outcome read_refusal(std::string_view who, std::string const& service, http::response const& got,
                     std::string_view look_at, std::string_view hidden);

/// The first line, at most 300 bytes of it.
std::string first_line(std::string_view text);

fetched no_token(errc ec, std::string_view who, std::string const& why);

/// Calls `done` a moment later, on the strand, unless the returned handle is dropped before.
[[nodiscard]] std::shared_ptr<void> answer_later(store_context& context, fetched got, fetched_fn done);

}  // namespace coelect::stores::azure
