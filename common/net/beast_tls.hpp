#pragma once
// The WebSocket over TLS, besides beast.hpp: the only include of Asio's and Beast's TLS streams.
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "common/net/asio.hpp"
#include "common/net/beast.hpp"

namespace steelyard {

namespace ssl = boost::asio::ssl;
using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

}  // namespace steelyard
