#include "common/config/codec.hpp"
#include "common/push/codec.hpp"

namespace steelyard::push {
namespace {

using config::append_json_string;

void field(std::string& out, std::string_view key, std::string_view text) {
    out += ",\"";
    out += key;
    out += "\":";
    append_json_string(out, text);
}

void field(std::string& out, std::string_view key, uint64_t value) {
    out += ",\"";
    out += key;
    out += "\":";
    out += std::to_string(value);
}

void append_virtual_ips(std::string& out, const std::vector<VirtualIpReport>& ips) {
    out += ",\"virtual_ips\":[";
    for (size_t i = 0; i < ips.size(); ++i) {
        const VirtualIpReport& ip = ips[i];
        out += i == 0 ? "{\"router_id\":" : ",{\"router_id\":";
        out += std::to_string(ip.router_id);
        field(out, "family", std::string_view(ip.ipv6 ? "ipv6" : "ipv4"));
        out += ",\"addresses\":[";
        for (size_t k = 0; k < ip.addresses.size(); ++k) {
            if (k != 0) out += ',';
            append_json_string(out, ip.addresses[k]);
        }
        out += ']';
        field(out, "interface", ip.interface);
        field(out, "state", to_string(ip.state));
        field(out, "conflicts", ip.conflicts);
        field(out, "splits", ip.splits);
        field(out, "problem", ip.problem);
        out += '}';
    }
    out += ']';
}

}  // namespace

std::string encode(const Hello& message) {
    std::string out = R"({"type":"hello","protocol":)" + std::to_string(message.protocol);
    field(out, "name", message.name);
    field(out, "instance", message.instance);
    field(out, "role", to_string(message.role));
    field(out, "node", message.node);
    field(out, "zone", message.zone);
    out += ",\"wants\":[";
    for (size_t i = 0; i < message.wants.size(); ++i) {
        if (i != 0) out += ',';
        append_json_string(out, message.wants[i]);
    }
    out += ']';
    field(out, "version", message.version);
    if (!message.features.empty()) {
        out += ",\"features\":[";
        for (size_t i = 0; i < message.features.size(); ++i) {
            if (i != 0) out += ',';
            append_json_string(out, message.features[i]);
        }
        out += ']';
    }
    out += '}';
    return out;
}

std::string encode(const Ack& message) {
    std::string out = R"({"type":"ack")";
    field(out, "version", message.version);
    out += '}';
    return out;
}

std::string encode(const Nack& message) {
    std::string out = R"({"type":"nack")";
    field(out, "version", message.version);
    out += ",\"errors\":[";
    for (size_t i = 0; i < message.errors.size(); ++i) {
        out += i == 0 ? "{\"path\":" : ",{\"path\":";
        append_json_string(out, message.errors[i].where);
        field(out, "problem", message.errors[i].problem);
        out += '}';
    }
    out += "]}";
    return out;
}

std::string encode(const Report& message) {
    std::string out = R"({"type":"report","upstreams":[)";
    for (size_t i = 0; i < message.upstreams.size(); ++i) {
        const auto& upstream = message.upstreams[i];
        out += i == 0 ? "{\"name\":" : ",{\"name\":";
        append_json_string(out, upstream.name);
        field(out, "healthy", upstream.healthy);
        field(out, "hosts", upstream.hosts);
        out += '}';
    }
    out += ']';
    if (!message.virtual_ips.empty()) append_virtual_ips(out, message.virtual_ips);
    out += '}';
    return out;
}

std::string encode(const ErrorMessage& message) {
    std::string out = R"({"type":"error")";
    field(out, "code", message.code);
    field(out, "problem", message.problem);
    out += '}';
    return out;
}

std::string encode(const Trust& message) {
    std::string out = R"({"type":"trust")";
    field(out, "ca", message.ca);
    out += '}';
    return out;
}

std::string encode(const Refused& message) {
    std::string out = R"({"type":"refused","wants":[)";
    for (size_t i = 0; i < message.wants.size(); ++i) {
        out += i == 0 ? "{\"name\":" : ",{\"name\":";
        append_json_string(out, message.wants[i].name);
        field(out, "problem", message.wants[i].problem);
        out += '}';
    }
    out += "]}";
    return out;
}

FrameWriter FrameWriter::snapshot(std::string_view version, size_t reserve) {
    FrameWriter writer;
    writer.out_.reserve(reserve + 128);
    writer.out_ += R"({"type":"snapshot")";
    field(writer.out_, "version", version);
    writer.out_ += ",\"upsert\":[";
    return writer;
}

FrameWriter FrameWriter::delta(std::string_view base, std::string_view version, size_t reserve) {
    FrameWriter writer;
    writer.is_delta_ = true;
    writer.out_.reserve(reserve + 128);
    writer.out_ += R"({"type":"delta")";
    field(writer.out_, "base", base);
    field(writer.out_, "version", version);
    writer.out_ += ",\"upsert\":[";
    return writer;
}

void FrameWriter::separate() {
    if (!first_) out_ += ',';
    first_ = false;
    ++count_;
}

void FrameWriter::remove(const config::ResourceKey& key) {
    if (!removing_) {
        out_ += "],\"remove\":[";
        removing_ = true;
        first_ = true;
    }
    separate();
    config::append_json(out_, key);
}

std::string FrameWriter::finish() {
    out_ += is_delta_ && !removing_ ? "],\"remove\":[]}" : "]}";
    return std::move(out_);
}

}  // namespace steelyard::push
