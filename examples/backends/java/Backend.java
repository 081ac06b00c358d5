// Takes events from wxpush, with the JDK (17 or newer) alone: WEBHOOK_SECRET=whsec_… java Backend.java
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.file.StandardOpenOption.*;

import com.sun.net.httpserver.*;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.security.*;
import java.util.*;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Backend {
  static final int LARGEST = 1024 * 1024; // as wxpush's max_body

  final byte[] key;
  final FileChannel inbox; // a line an event: its id and its body in base64. One write, so neither is there without the other
  final Set<String> ids = new HashSet<>(); // for ever: beyond a sample, that is what a UNIQUE column is for

  Backend(String secret, Path path) throws IOException {
    key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
    inbox = FileChannel.open(path, CREATE, READ, WRITE);
    String found = Files.readString(path, ISO_8859_1);
    String whole = found.substring(0, found.lastIndexOf('\n') + 1); // behind it: half a line, of a crash amid a write
    inbox.truncate(whole.length()).position(whole.length()).force(true); // a killed process's writes may not be on the disk yet
    try (FileChannel directory = FileChannel.open(path.toAbsolutePath().getParent(), READ)) {
      directory.force(true); // nor the file's own name
    }
    whole.lines().forEach(line -> ids.add(line.split(" ")[0]));
  }

  static boolean isOurs(byte[] key, String id, String timestamp, String signatures, byte[] body)
      throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    mac.update((id + "." + timestamp + ".").getBytes(ISO_8859_1));
    byte[] wanted = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(ISO_8859_1);
    return Arrays.stream(signatures.split(" ")).anyMatch(one -> MessageDigest.isEqual(wanted, one.getBytes(ISO_8859_1)))
        && Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(timestamp)) < 300;
  }

  // The event is on the disk afterwards, once; or it throws. In a shop: INSERT the id, and what the event changes; COMMIT.
  synchronized void store(String id, byte[] body) throws IOException {
    if (ids.contains(id)) return;
    ByteBuffer line = ByteBuffer.wrap((id + " " + Base64.getEncoder().encodeToString(body) + "\n").getBytes(ISO_8859_1));
    long size = inbox.position();
    try {
      while (line.hasRemaining()) inbox.write(line);
      inbox.force(true);
    } catch (IOException error) {
      inbox.truncate(size);
      throw error;
    }
    ids.add(id);
  }

  int answer(HttpExchange request) throws IOException, GeneralSecurityException {
    if (!request.getRequestMethod().equals("POST")) return 404;
    byte[] body = request.getRequestBody().readNBytes(LARGEST + 1); // the bytes as they came: nothing has parsed them
    if (body.length > LARGEST) return 413;
    Headers headers = request.getRequestHeaders();
    String id = headers.getFirst("webhook-id"), timestamp = headers.getFirst("webhook-timestamp");
    String signatures = headers.getFirst("webhook-signature");
    if (signatures == null || !isOurs(key, id, timestamp, signatures, body)) return 401;
    store(id, body);
    return 204; // only now: it is on the disk
  }

  void handle(HttpExchange request) throws IOException {
    int status = 500; // wxpush sends it again
    try {
      status = answer(request);
    } catch (Exception error) {
      error.printStackTrace();
    }
    request.sendResponseHeaders(status, -1);
    request.close();
  }

  public static void main(String[] none) throws IOException {
    Map<String, String> settings = System.getenv();
    System.setProperty("sun.net.httpserver.maxReqTime", "30"); // seconds for a request to arrive
    Backend backend = new Backend(settings.get("WEBHOOK_SECRET"), Path.of(settings.getOrDefault("INBOX", "inbox.txt")));
    int port = Integer.parseInt(settings.getOrDefault("PORT", "3000"));
    HttpServer server = HttpServer.create(new InetSocketAddress(settings.getOrDefault("HOST", "127.0.0.1"), port), 0);
    server.createContext("/wechat", backend::handle);
    server.setExecutor(Executors.newFixedThreadPool(16)); // as wxpush's concurrency
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(2))); // seconds for what is under way
  }
}
