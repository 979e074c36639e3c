#pragma once
// The only include of Boost.Asio, by separate headers, so that each translation unit pays for what it uses. Callbacks only:
// awaitable.hpp of Boost 1.74 needs care with GCC 12 and is not readable for clang 14's tools.
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace steelyard {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace steelyard
