#include "handlers/event/envelope.h"

#include "handlers/event/json.h"
#include "handlers/event/text.h"
#include "handlers/event/xml_envelope.h"

namespace wxpush::event {

namespace {

std::optional<Envelope> read_json_envelope(std::string_view body) {
  const auto document = JsonDocument::parse(body);
  if (!document) return std::nullopt;
  Envelope envelope;
  const auto count = document->root().count("Encrypt");
  const auto text = document->root()["Encrypt"].string();
  if (count > 1 || (count == 1 && !text)) return std::nullopt;
  if (text) envelope.encrypt = *text;
  return envelope;
}

std::optional<Envelope> read_xml_envelope(std::string_view body) {
  const auto text = find_encrypt(body);
  if (!text) return std::nullopt;
  return Envelope{.format = Format::xml, .encrypt = std::string(*text)};
}

}  // namespace

std::optional<Envelope> read_envelope(std::string_view body) {
  body = skip_leading(body);
  if (body.starts_with('{')) return read_json_envelope(body);
  if (body.starts_with('<')) return read_xml_envelope(body);
  return std::nullopt;
}

std::string write_envelope(Format format, std::string_view to_user_name, std::string_view encrypt) {
  if (format == Format::xml) {
    return "<xml>" + cdata_element("ToUserName", to_user_name) + cdata_element("Encrypt", encrypt) +
           "</xml>";
  }
  JsonWriter writer;
  writer.begin_object();
  writer.key("ToUserName").string(to_user_name);
  writer.key("Encrypt").string(encrypt);
  writer.end_object();
  return writer.take();
}

std::optional<std::string> reply_object(const Message& message, std::int64_t now) {
  if (message.type != "update_waybill_status") return std::nullopt;
  // Put together by hand: it is most of what a push would cost in this folder.
  constexpr std::string_view end =
      R"(,"MsgType":"event","Event":"update_waybill_status","resultcode":0,"resultmsg":"OK"})";
  std::string json = R"({"ToUserName":)";
  json.reserve(160 + message.from_user_name.size() + message.to_user_name.size());
  append_quoted(json, message.from_user_name);
  json.append(R"(,"FromUserName":)");
  append_quoted(json, message.to_user_name);
  json.append(R"(,"CreateTime":)").append(std::to_string(now)).append(end);
  return json;
}

std::string write_sealed_reply(Format format, std::string_view encrypt,
                               std::string_view msg_signature, std::int64_t timestamp,
                               std::string_view nonce) {
  if (format == Format::xml) {
    return "<xml>" + cdata_element("Encrypt", encrypt) +
           cdata_element("MsgSignature", msg_signature) + "<TimeStamp>" +
           std::to_string(timestamp) + "</TimeStamp>" + cdata_element("Nonce", nonce) + "</xml>";
  }
  // Base64, hexadecimal digits and digits: nothing in them needs an escape, and the push path is
  // hot.
  std::string json;
  json.reserve(encrypt.size() + msg_signature.size() + nonce.size() + 80);
  json.append(R"({"Encrypt":")")
      .append(encrypt)
      .append(R"(","MsgSignature":")")
      .append(msg_signature);
  json.append(R"(","TimeStamp":)").append(std::to_string(timestamp));
  json.append(R"(,"Nonce":")").append(nonce).append(R"("})");
  return json;
}

std::optional<SealedReply> read_sealed_reply(std::string_view body) {
  const auto document = JsonDocument::parse(body);
  if (!document) return std::nullopt;
  const JsonValue root = document->root();
  const auto encrypt = root["Encrypt"].string();
  const auto signature = root["MsgSignature"].string();
  const auto timestamp = root["TimeStamp"].text();
  const auto nonce = root["Nonce"].string();
  if (!encrypt || !signature || !timestamp || !nonce) return std::nullopt;
  return SealedReply{std::string(*encrypt), std::string(*signature), std::string(*timestamp),
                     std::string(*nonce)};
}

}  // namespace wxpush::event
