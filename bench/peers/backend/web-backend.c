/*
 * The plain HTTP backend behind the contestants that pass HTTP/1.1 and WebSockets on: one thread, epoll, never the bottleneck.
 *
 *   web-backend PORT    PORT 0 picks one; the bound port is printed as the first line of standard output
 *
 * Every request is answered with the same small JSON; one that asks for an upgrade gets a WebSocket that sends back every
 * message. The trap: requests have no body here (they are GETs), so the next head begins where the last one ended.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 12, MAX_INPUT = 1 << 20, FIN = 0x80, CLOSE = 8, PING = 9, PONG = 10 };

typedef struct {
  int fd, websocket, closing, writable_watched;
  uint8_t *in, *out;
  size_t in_length, in_capacity, out_length, out_capacity, out_sent;
} Connection;

static int epoll_fd;

static const char answer[] =
    "HTTP/1.1 200 OK\r\n"
    "content-type: application/json\r\n"
    "content-length: 46\r\n"
    "cache-control: no-store\r\n"
    "etag: \"5f2a\"\r\n"
    "x-served-by: items-7\r\n"
    "\r\n"
    "{\"id\":42,\"name\":\"Keyboard\",\"price\":89.9,\"a\":1}";

static uint8_t *reserve(Connection *c, size_t size) {
  if (c->out_length + size > c->out_capacity) {
    c->out_capacity = (c->out_length + size) * 2;
    c->out = realloc(c->out, c->out_capacity);
  }
  uint8_t *at = c->out + c->out_length;
  c->out_length += size;
  return at;
}

static void put(Connection *c, const void *bytes, size_t size) { memcpy(reserve(c, size), bytes, size); }

/* ---- the handshake (RFC 6455, section 4.2.2) ---- */

static uint32_t rotate(uint32_t value, int by) { return value << by | value >> (32 - by); }

/* SHA-1 of less than 120 bytes. */
static void sha1(const char *text, size_t length, uint8_t digest[20]) {
  uint32_t h[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t padded[128] = {0};
  size_t blocks = (length + 8) / 64 + 1;
  memcpy(padded, text, length);
  padded[length] = 0x80;
  padded[blocks * 64 - 2] = length * 8 >> 8, padded[blocks * 64 - 1] = length * 8;
  for (size_t block = 0; block < blocks; block++) {
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++) memcpy(&w[i], padded + block * 64 + i * 4, 4), w[i] = ntohl(w[i]);
    for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
      uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                   : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                   : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                            : (b ^ c ^ d) + 0xca62c1d6;
      uint32_t next = rotate(a, 5) + f + e + w[i];
      e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  for (int i = 0; i < 5; i++) h[i] = htonl(h[i]);
  memcpy(digest, h, 20);
}

static void base64(const uint8_t digest[20], char text[29]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < 7; i++) {
    uint32_t three = digest[i * 3] << 16 | digest[i * 3 + 1] << 8 | (i < 6 ? digest[i * 3 + 2] : 0);
    for (int j = 0; j < 4; j++) text[i * 4 + j] = letters[three >> (18 - 6 * j) & 63];
  }
  text[27] = '=', text[28] = 0;
}

/* True when the head asks for an upgrade, which is then granted. */
static int upgrade(Connection *c, char *head) {
  char *key = strcasestr(head, "\r\nsec-websocket-key:"), joined[64], accept[29], text[160];
  uint8_t digest[20];
  if (!key) return 0;
  key += strlen("\r\nsec-websocket-key:");
  key += strspn(key, " ");
  int length = snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  sha1(joined, (size_t)length, digest);
  base64(digest, accept);
  length = snprintf(text, sizeof text,
                    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: %s\r\n\r\n", accept);
  put(c, text, (size_t)length);
  return c->websocket = 1;
}

/* ---- what comes in ---- */

/* One frame, sent back without its mask. Returns its size, or 0 when it is not whole. */
static size_t echo(Connection *c, const uint8_t *in, size_t there) {
  if (there < 6) return 0;
  size_t head = 2, length = in[1] & 0x7f;
  if (length == 126) head = 4, length = (size_t)in[2] << 8 | in[3];
  else if (length == 127) {
    if (there < 10) return 0;
    head = 10, length = 0;
    for (int i = 2; i < 10; i++) length = length << 8 | in[i];
    if (length > MAX_INPUT) return c->closing = 1, there;
  }
  if (there < head + 4 + length) return 0;
  const uint8_t *mask = in + head, *payload = mask + 4;
  uint8_t *out = reserve(c, head + length);
  memcpy(out, in, head);
  out[1] &= 0x7f;
  int opcode = in[0] & 15;
  if (opcode == PING) out[0] = FIN | PONG;
  if (opcode == CLOSE) c->closing = 1;
  if (opcode == PONG) c->out_length -= head + length;
  else
    for (size_t i = 0; i < length; i++) out[head + i] = payload[i] ^ mask[i & 3];
  return head + 4 + length;
}

/* One request head, answered. Returns its size, or 0 when it is not whole. */
static size_t serve_head(Connection *c, uint8_t *in, size_t there) {
  uint8_t *end = memmem(in, there, "\r\n\r\n", 4);
  if (!end) return 0;
  end[2] = 0;
  if (!upgrade(c, (char *)in)) put(c, answer, sizeof answer - 1);
  return (size_t)(end - in) + 4;
}

static void process(Connection *c) {
  size_t at = 0, size = 1;
  while (size && at < c->in_length && !c->closing) {
    size = c->websocket ? echo(c, c->in + at, c->in_length - at) : serve_head(c, c->in + at, c->in_length - at);
    at += size;
  }
  c->in_length -= at;
  if (c->in_length) memmove(c->in, c->in + at, c->in_length);
}

/* ---- sockets ---- */

static void watch(Connection *c, int operation, int writable) {
  struct epoll_event event = {writable ? EPOLLIN | EPOLLOUT : EPOLLIN, {.ptr = c}};
  epoll_ctl(epoll_fd, operation, c->fd, &event);
  c->writable_watched = writable;
}

/* False when the connection is gone. */
static int flush(Connection *c) {
  while (c->out_sent < c->out_length) {
    ssize_t wrote = write(c->fd, c->out + c->out_sent, c->out_length - c->out_sent);
    if (wrote < 0) {
      if (errno != EAGAIN) return 0;
      if (!c->writable_watched) watch(c, EPOLL_CTL_MOD, 1);
      return 1;
    }
    c->out_sent += (size_t)wrote;
  }
  c->out_length = c->out_sent = 0;
  if (c->writable_watched) watch(c, EPOLL_CTL_MOD, 0);
  return !c->closing;
}

static void close_connection(Connection *c) {
  close(c->fd);
  free(c->in), free(c->out), free(c);
}

static void accept_all(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    Connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    watch(c, EPOLL_CTL_ADD, 0);
  }
}

/* False when the connection is gone. */
static int serve(Connection *c, uint32_t events) {
  if (events & EPOLLOUT && !flush(c)) return 0;
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return 1;
  if (c->in_capacity - c->in_length < READ_SIZE) {
    if (c->in_capacity > MAX_INPUT * 2) return 0;
    c->in = realloc(c->in, c->in_capacity = c->in_capacity * 2 + READ_SIZE);
  }
  ssize_t got = read(c->fd, c->in + c->in_length, c->in_capacity - c->in_length);
  if (got == 0 || (got < 0 && errno != EAGAIN)) return 0;
  if (got < 0) return 1;
  c->in_length += (size_t)got;
  process(c);
  return flush(c);
}

int main(int count, char **arguments) {
  if (count < 2) return fputs("usage: web-backend PORT\n", stderr), 2;
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  if (bind(listener, (void *)&address, length) < 0 || listen(listener, 4096) < 0) return perror("web-backend"), 1;
  getsockname(listener, (void *)&address, &length);
  printf("%d\n", ntohs(address.sin_port)), fflush(stdout);
  epoll_fd = epoll_create1(0);
  struct epoll_event watched = {EPOLLIN, {.ptr = 0}}, ready[256];
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &watched);
  for (;;) {
    int events = epoll_wait(epoll_fd, ready, 256, -1);
    for (int i = 0; i < events; i++) {
      Connection *c = ready[i].data.ptr;
      if (!c) accept_all(listener);
      else if (!serve(c, ready[i].events)) close_connection(c);
    }
  }
}
