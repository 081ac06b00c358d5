// What a Node team would write first: fastify, and the npm package that knows WeChat's encryption. It verifies and decrypts
// a push, reads the event, and answers "success": at once, or with STORE in the environment only after the event was
// appended to that file and an fdatasync of its own has returned.
//   server.js PORT CERTIFICATE PRIVATE_KEY, with TOKEN, ENCODING_AES_KEY, APPID and perhaps STORE in the environment
import { timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { decrypt, getSignature } from "@wecom/crypto";
import fastify from "fastify";

const [port, certificate, privateKey] = process.argv.slice(2);
const { TOKEN, ENCODING_AES_KEY, APPID, STORE } = process.env;

const app = fastify({
  bodyLimit: 1 << 20,
  requestTimeout: 5000,
  keepAliveTimeout: 75000,
  https: {
    cert: readFileSync(certificate),
    key: readFileSync(privateKey),
    minVersion: "TLSv1.3",
    ciphers: "TLS_AES_128_GCM_SHA256", // as the others; Node's own first choice is AES-256
  },
});

function signed({ timestamp, nonce, msg_signature: given }, encrypt) {
  const expected = Buffer.from(getSignature(TOKEN, timestamp, nonce, encrypt));
  const signature = Buffer.from(given ?? "");
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

function open_push(encrypt) {
  try {
    const { message, id } = decrypt(ENCODING_AES_KEY, encrypt);
    return id === APPID ? { message, event: JSON.parse(message) } : undefined;
  } catch {
    return undefined;
  }
}

const store = STORE ? await open(STORE, "a") : undefined;

app.post("/wx/shop", async (request, reply) => {
  const encrypt = request.body?.Encrypt;
  const push = typeof encrypt === "string" && signed(request.query, encrypt) ? open_push(encrypt) : undefined;
  if (push === undefined) return reply.code(403).send("forbidden");
  if (store) {
    await store.write(`${push.message}\n`);
    await store.datasync();
  }
  return "success";
});

await app.listen({ host: "127.0.0.1", port: Number(port) });
