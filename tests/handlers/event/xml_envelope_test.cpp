#include "handlers/event/xml_envelope.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

TEST_CASE("Encrypt is one CDATA section, as it is, or plain text, trimmed") {
  CHECK(find_encrypt("<xml><Encrypt><![CDATA[abc]]></Encrypt></xml>") == "abc");
  CHECK(find_encrypt("<xml><Encrypt>\n <![CDATA[ a ]]> \n</Encrypt></xml>") == " a ");
  CHECK(find_encrypt("<xml><Encrypt> \n abc \t</Encrypt></xml>") == "abc");
  CHECK(find_encrypt("<xml><Encrypt><![CDATA[a</Encrypt>]]></Encrypt></xml>") == "a</Encrypt>");
  CHECK(find_encrypt("<xml><Encrypt>a>b]]></Encrypt></xml>") == "a>b]]>");
  CHECK(find_encrypt("<xml><Encrypt></Encrypt></xml>") == "");
  CHECK(find_encrypt("<xml><Encrypt/></xml>") == "");
}

TEST_CASE("the first Encrypt element counts, by its exact name") {
  CHECK(find_encrypt("<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>") == "a");
  CHECK(find_encrypt("<xml><Encrypted>a</Encrypted><Encrypt>b</Encrypt></xml>") == "b");
  CHECK(find_encrypt("<xml><encrypt>a</encrypt><x:Encrypt>b</x:Encrypt></xml>") == "");
  CHECK(find_encrypt("<xml><Encrypt type='x>y' >a</Encrypt\n></xml>") == "a");
}

TEST_CASE("declarations of the document, comments and empty elements are stepped over") {
  CHECK(find_encrypt(
            "<?xml version=\"1.0\"?>\n<!-- <Encrypt>no</Encrypt> -->\n"
            "<xml><a/><b x=\"/\"/><!--<Encrypt>--><?pi <Encrypt>?><Encrypt>a</Encrypt></xml>") ==
        "a");
}

TEST_CASE("an Encrypt inside a CDATA section, comment or attribute of others does not count") {
  CHECK(find_encrypt("<xml><Event><![CDATA[<Encrypt>no</Encrypt>]]></Event>"
                     "<Encrypt>yes</Encrypt></xml>") == "yes");
  CHECK(find_encrypt("<xml><a b=\"<Encrypt>no</Encrypt>\"/><Encrypt>yes</Encrypt></xml>") == "yes");
  CHECK(find_encrypt(
            "<xml><Event><![CDATA[]]]]><![CDATA[><Encrypt>no</Encrypt>]]></Event></xml>") == "");
}

TEST_CASE("a document type, a declaration and entities in Encrypt are refused") {
  CHECK_FALSE(find_encrypt("<!DOCTYPE x [<!ENTITY e 'a'>]><xml><Encrypt>a</Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><!ENTITY e 'a'><Encrypt>a</Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><Encrypt>a&#43;b</Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><Encrypt>&e;</Encrypt></xml>"));
  CHECK(find_encrypt("<xml><Event>&amp;</Event><Encrypt>a</Encrypt></xml>") == "a");
}

TEST_CASE("Encrypt holds nothing but one piece of text") {
  CHECK_FALSE(find_encrypt("<xml><Encrypt>a<b/></Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><Encrypt><b>a</b></Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><Encrypt>a<!-- c --></Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><Encrypt>a<![CDATA[b]]></Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><Encrypt><![CDATA[a]]>b</Encrypt></xml>"));
  CHECK_FALSE(find_encrypt("<xml><Encrypt><![CDATA[a]]><![CDATA[b]]></Encrypt></xml>"));
}

TEST_CASE("what does not end, or does not balance, is unreadable") {
  for (const auto* xml : {"<",
                          "<xml",
                          "<xml>",
                          "<xml><a></xml>",
                          "</xml>",
                          "<xml></xml></xml>",
                          "<xml></xml><xml></xml>",
                          "<xml></xml>text",
                          "text<xml></xml>",
                          "<>",
                          "< xml></xml>",
                          "<xml><!-- ></xml>",
                          "<xml><![CDATA[",
                          "<![CDATA[x]]><xml></xml>",
                          "<xml a='></xml>",
                          "<xml <a></xml>",
                          "<xml><Encrypt",
                          "<xml><Encrypt>",
                          "<xml><Encrypt>a",
                          "<xml><Encrypt>a</Encrypt",
                          "<xml><Encrypt>a</Encrypted></xml>",
                          "<xml><Encrypt><![CDATA[a",
                          "<xml><Encrypt><![CDATA[a]]>",
                          ""}) {
    CAPTURE(xml);
    CHECK_FALSE(find_encrypt(xml));
  }
}

TEST_CASE("a CDATA element ends where it should, whatever the text") {
  CHECK(cdata_element("Nonce", "1") == "<Nonce><![CDATA[1]]></Nonce>");
  CHECK(cdata_element("A", "x]]>y") == "<A><![CDATA[x]]]]><![CDATA[>y]]></A>");
  CHECK(find_encrypt("<xml>" + cdata_element("A", "]]><Encrypt>no</Encrypt>]]>") +
                     cdata_element("Encrypt", "yes") + "</xml>") == "yes");
}
