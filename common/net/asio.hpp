#pragma once
// The only include of Boost.Asio: <utility> must come before awaitable.hpp (Boost 1.74 with GCC 12), and separate
// headers here keep every translation unit to what it uses.
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace steelyard {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace steelyard
