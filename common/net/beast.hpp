#pragma once
// The only include of Boost.Beast: the WebSocket and HTTP of the push protocol. Slow to compile: one .cpp at each end
// uses it.
#include <utility>

#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace steelyard {

namespace beast = boost::beast;
namespace http_message = boost::beast::http;
namespace websocket = boost::beast::websocket;

}  // namespace steelyard
