/*
 * The gRPC backend behind every contestant of the benchmark: clear-text HTTP/2, one thread, epoll, never the bottleneck.
 *
 *   backend PORT [LIST [EVENT]]    PORT 0 picks one; the bound port is printed as the first line of standard output
 *
 * It answers every call with the request's own message (so SayHello and Echo are the same code), except when the
 * message opens with field 15 as a varint (0x78): that is bench.ListOrdersRequest, answered with the message in LIST;
 * or with field 14 (0x70): bench.WatchOrdersRequest, answered with `count` times the message in EVENT, a frame each;
 * or with field 13 as text (0x6a): bench.ChatLine, and every byte of the stream is sent back as it comes.
 * The method is told by the message and not by :path, so request header blocks need no HPACK decoder here at all; the
 * trap is that header blocks we *send* must still obey the peer's SETTINGS_HEADER_TABLE_SIZE (see `send_head`).
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
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };
enum { FRAME_HEAD = 9, MAX_FRAME = 16384, BUCKETS = 1024, STREAM_WINDOW = 1 << 24, READ_SIZE = 1 << 16 };
enum { NO_TABLE = -1, LIST_TAG = 0x78, WATCH_TAG = 0x70, CHAT_TAG = 0x6a, MAX_EVENTS = 10000 };

typedef struct Stream {
  struct Stream *next;         /* in its bucket */
  struct Stream *next_blocked; /* in the list of those that wait for window */
  uint32_t id;
  int64_t window;              /* how much the peer lets us send on it */
  uint8_t *message;            /* request while it arrives, then what is left of the answer */
  size_t length, capacity, sent, piece;
  uint32_t received;
  int blocked, chat, ended;    /* chat: answered while it still arrives; ended: the request has */
} Stream;

typedef struct {
  int fd, writable_watched, preface_seen, table, table_update_due;
  uint8_t *in, *out;
  size_t in_length, in_capacity, out_length, out_capacity, out_sent;
  int64_t window, stream_window;
  uint32_t received;
  Stream *buckets[BUCKETS], *blocked, *blocked_tail, *spare;
} Connection;

static int epoll_fd;
static uint8_t *list_message;
static size_t list_length;
static uint8_t *event_messages; /* MAX_EVENTS times the same */
static size_t event_length;

static uint32_t read_u32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint8_t *reserve(Connection *c, size_t size) {
  if (c->out_length + size > c->out_capacity) {
    c->out_capacity = (c->out_length + size) * 2;
    c->out = realloc(c->out, c->out_capacity);
  }
  uint8_t *at = c->out + c->out_length;
  c->out_length += size;
  return at;
}

static void frame(Connection *c, int type, int flags, uint32_t id, const void *payload, size_t size) {
  uint8_t *o = reserve(c, FRAME_HEAD + size);
  o[0] = size >> 16, o[1] = size >> 8, o[2] = size, o[3] = type, o[4] = flags;
  o[5] = id >> 24, o[6] = id >> 16, o[7] = id >> 8, o[8] = id;
  if (size) memcpy(o + FRAME_HEAD, payload, size);
}

static void window_update(Connection *c, uint32_t id, uint32_t size) {
  uint8_t increment[] = {size >> 24, size >> 16, size >> 8, size};
  frame(c, WINDOW_UPDATE, 0, id, increment, sizeof increment);
}

/* ---- streams ---- */

static Stream *find(Connection *c, uint32_t id) {
  for (Stream *s = c->buckets[id / 2 % BUCKETS]; s; s = s->next)
    if (s->id == id) return s;
  return 0;
}

static Stream *open_stream(Connection *c, uint32_t id) {
  Stream *s = c->spare;
  if (s) c->spare = s->next;
  else s = calloc(1, sizeof *s);
  s->id = id, s->window = c->stream_window, s->length = s->sent = 0, s->received = 0, s->blocked = s->chat = s->ended = 0;
  Stream **bucket = &c->buckets[id / 2 % BUCKETS];
  s->next = *bucket, *bucket = s;
  return s;
}

static void block(Connection *c, Stream *s) {
  if (s->blocked) return;
  s->blocked = 1, s->next_blocked = 0;
  if (c->blocked) c->blocked_tail->next_blocked = s;
  else c->blocked = s;
  c->blocked_tail = s;
}

static void unblock(Connection *c, Stream *s) {
  if (!s->blocked) return;
  Stream *before = 0;
  for (Stream *b = c->blocked; b != s; b = b->next_blocked) before = b;
  if (before) before->next_blocked = s->next_blocked;
  else c->blocked = s->next_blocked;
  if (c->blocked_tail == s) c->blocked_tail = before;
  s->blocked = 0;
}

static void close_stream(Connection *c, Stream *s) {
  Stream **link = &c->buckets[s->id / 2 % BUCKETS];
  while (*link != s) link = &(*link)->next;
  *link = s->next;
  unblock(c, s);
  s->next = c->spare, c->spare = s;
}

static void append(Stream *s, const uint8_t *bytes, size_t size) {
  if (s->length + size > s->capacity) {
    s->capacity = (s->length + size) * 2;
    s->message = realloc(s->message, s->capacity);
  }
  memcpy(s->message + s->length, bytes, size);
  s->length += size;
}

/* ---- answers ---- */

/* Response head and trailers go into the peer's dynamic table once and are one or two bytes from then on, as a real gRPC
   server's are. `table` counts what is in it, for other streams' heads may come between a head and its trailers. A peer
   with a smaller table than the default gets literals, and first the table size update that is then due. */
static void send_head(Connection *c, uint32_t id) {
  static const uint8_t insert[] = "\x88\x5f\x10" "application/grpc", literal[] = "\x20\x88\x0f\x10\x10" "application/grpc";
  if (c->table == NO_TABLE) {
    int skip = !c->table_update_due;
    c->table_update_due = 0;
    frame(c, HEADERS, END_HEADERS, id, literal + skip, sizeof literal - 1 - skip);
  } else if (c->table == 0) {
    c->table = 1;
    frame(c, HEADERS, END_HEADERS, id, insert, sizeof insert - 1);
  } else {
    uint8_t indexed[] = {0x88, 0xbd + c->table};
    frame(c, HEADERS, END_HEADERS, id, indexed, sizeof indexed);
  }
}

static void send_trailers(Connection *c, uint32_t id) {
  static const uint8_t insert[] = "\x40\x0bgrpc-status\x01" "0", literal[] = "\x00\x0bgrpc-status\x01" "0", indexed[] = {0xbe};
  if (c->table == NO_TABLE) frame(c, HEADERS, END_HEADERS | END_STREAM, id, literal, sizeof literal - 1);
  else if (c->table == 2) frame(c, HEADERS, END_HEADERS | END_STREAM, id, indexed, sizeof indexed);
  else {
    c->table = 2;
    frame(c, HEADERS, END_HEADERS | END_STREAM, id, insert, sizeof insert - 1);
  }
}

/* Sends what window allows of an answer, in frames that end where a piece ends; true when it is all gone. */
static int send_message(Connection *c, uint32_t id, int64_t *window, const uint8_t *bytes, size_t length, size_t piece, size_t *sent) {
  while (*sent < length) {
    int64_t size = (int64_t)(piece - *sent % piece);
    if (size > (int64_t)(length - *sent)) size = (int64_t)(length - *sent);
    if (size > c->window) size = c->window;
    if (size > *window) size = *window;
    if (size <= 0) return 0;
    frame(c, DATA, 0, id, bytes + *sent, (size_t)size);
    *sent += (size_t)size, *window -= size, c->window -= size;
  }
  return 1;
}

/* Goes on with the answer that is held: it ends, or, of a chat, rests until more comes. */
static void advance(Connection *c, Stream *s) {
  if (!send_message(c, s->id, &s->window, s->message, s->length, s->piece, &s->sent)) {
    block(c, s);
  } else if (s->chat && !s->ended) {
    unblock(c, s);
    s->length = s->sent = 0;
  } else {
    send_trailers(c, s->id);
    close_stream(c, s);
  }
}

static void pump(Connection *c) {
  for (Stream *s = c->blocked, *next; s && c->window > 0; s = next) {
    next = s->next_blocked;
    advance(c, s);
  }
}

/* What a chat said is sent back at once; its end ends the answer. */
static void chat(Connection *c, Stream *s, const uint8_t *bytes, size_t size, int last) {
  if (!s->chat) send_head(c, s->id), s->chat = 1, s->piece = MAX_FRAME;
  append(s, bytes, size);
  s->ended = last;
  s->received += size;
  if (!last && s->received > STREAM_WINDOW / 4) window_update(c, s->id, s->received), s->received = 0;
  advance(c, s);
}

static void answer(Connection *c, Stream *s, const uint8_t *request, size_t length) {
  const uint8_t *message = request;
  size_t sent = 0, piece = MAX_FRAME;
  if (list_message && length > 5 && request[5] == LIST_TAG) message = list_message, length = list_length;
  else if (event_messages && length > 6 && request[5] == WATCH_TAG) {
    size_t count = request[6] & 0x7f;
    if (request[6] & 0x80 && length > 7) count |= (size_t)(request[7] & 0x7f) << 7;
    message = event_messages, piece = event_length, length = (count < MAX_EVENTS ? count : MAX_EVENTS) * event_length;
  }
  send_head(c, s->id);
  if (send_message(c, s->id, &s->window, message, length, piece, &sent)) {
    send_trailers(c, s->id);
    close_stream(c, s);
    return;
  }
  if (message != s->message) {
    s->length = 0;
    append(s, message, length);
  }
  s->sent = sent, s->piece = piece;
  block(c, s);
}

/* ---- frames in ---- */

static void on_settings(Connection *c, const uint8_t *p, size_t size) {
  for (size_t at = 0; at + 6 <= size; at += 6) {
    uint32_t value = read_u32(p + at + 2);
    switch (p[at] << 8 | p[at + 1]) {
      case 1: /* HEADER_TABLE_SIZE: it comes before our first header block or not at all */
        if (value < 4096) c->table = NO_TABLE, c->table_update_due = 1;
        break;
      case 4: { /* INITIAL_WINDOW_SIZE moves the windows of open streams too (RFC 9113, 6.9.2) */
        int64_t change = (int64_t)value - c->stream_window;
        c->stream_window = value;
        for (int b = 0; b < BUCKETS; b++)
          for (Stream *s = c->buckets[b]; s; s = s->next) s->window += change;
      }
    }
  }
  frame(c, SETTINGS, ACK, 0, 0, 0);
  pump(c);
}

static void on_data(Connection *c, uint32_t id, int flags, const uint8_t *p, size_t size) {
  c->received += size;
  if (c->received > 1 << 24) window_update(c, 0, c->received), c->received = 0;
  Stream *s = find(c, id);
  if (!s || (s->blocked && !s->chat)) return;
  if (flags & PADDED) size -= 1 + p[0], p++;
  if (s->chat || (s->length == 0 && size > 5 && p[5] == CHAT_TAG)) chat(c, s, p, size, flags & END_STREAM);
  else if (flags & END_STREAM && s->length == 0) answer(c, s, p, size);
  else {
    append(s, p, size);
    if (flags & END_STREAM) answer(c, s, s->message, s->length);
  }
}

static void on_frame(Connection *c, int type, int flags, uint32_t id, const uint8_t *p, size_t size) {
  static const uint8_t empty[5];
  Stream *s;
  switch (type) {
    case DATA:
      on_data(c, id, flags, p, size);
      break;
    case HEADERS: /* trailers of a request are none of ours; a request without a message is one of no bytes */
      s = find(c, id);
      if (!s) s = open_stream(c, id);
      if (flags & END_STREAM && s->chat) chat(c, s, empty, 0, 1);
      else if (flags & END_STREAM && !s->blocked) {
        if (s->length) answer(c, s, s->message, s->length);
        else answer(c, s, empty, sizeof empty);
      }
      break;
    case RST_STREAM:
      if ((s = find(c, id))) close_stream(c, s);
      break;
    case SETTINGS:
      if (!(flags & ACK)) on_settings(c, p, size);
      break;
    case PING:
      if (!(flags & ACK)) frame(c, PING, ACK, 0, p, size);
      break;
    case WINDOW_UPDATE:
      if (id == 0) c->window += read_u32(p) & 0x7fffffff;
      else if ((s = find(c, id))) s->window += read_u32(p) & 0x7fffffff;
      if (c->blocked) pump(c);
  }
}

static void process(Connection *c) {
  size_t at = 0;
  if (!c->preface_seen) {
    if (c->in_length < 24) return;
    at = 24, c->preface_seen = 1;
  }
  while (c->in_length - at >= FRAME_HEAD) {
    const uint8_t *h = c->in + at;
    size_t size = (size_t)h[0] << 16 | h[1] << 8 | h[2];
    if (c->in_length - at < FRAME_HEAD + size) break;
    on_frame(c, h[3], h[4], read_u32(h + 5) & 0x7fffffff, h + FRAME_HEAD, size);
    at += FRAME_HEAD + size;
  }
  if (at < c->in_length) memmove(c->in, c->in + at, c->in_length - at);
  c->in_length -= at;
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
  return 1;
}

static void close_connection(Connection *c) {
  close(c->fd);
  for (int b = 0; b < BUCKETS; b++)
    while (c->buckets[b]) close_stream(c, c->buckets[b]);
  for (Stream *s = c->spare, *next; s; s = next) next = s->next, free(s->message), free(s);
  free(c->in), free(c->out), free(c);
}

static void accept_all(int listener) {
  /* MAX_CONCURRENT_STREAMS 65536, INITIAL_WINDOW_SIZE 2^24, then the connection's window raised by 2^29 */
  static const uint8_t settings[] = {0, 3, 0, 1, 0, 0, 0, 4, STREAM_WINDOW >> 24, (uint8_t)(STREAM_WINDOW >> 16), 0, 0};
  static const uint8_t increment[] = {0x20, 0, 0, 0};
  int fd, one = 1;
  while ((fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    Connection *c = calloc(1, sizeof *c);
    c->fd = fd, c->window = c->stream_window = 65535;
    c->in_capacity = 4 * READ_SIZE, c->in = malloc(c->in_capacity);
    frame(c, SETTINGS, 0, 0, settings, sizeof settings);
    frame(c, WINDOW_UPDATE, 0, 0, increment, sizeof increment);
    watch(c, EPOLL_CTL_ADD, 0);
    if (!flush(c)) close_connection(c);
  }
}

/* False when the connection is gone. */
static int serve(Connection *c, uint32_t events) {
  if (events & EPOLLOUT && !flush(c)) return 0;
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return 1;
  if (c->in_capacity - c->in_length < READ_SIZE) c->in = realloc(c->in, c->in_capacity *= 2);
  ssize_t got = read(c->fd, c->in + c->in_length, c->in_capacity - c->in_length);
  if (got == 0 || (got < 0 && errno != EAGAIN)) return 0;
  if (got < 0) return 1;
  c->in_length += (size_t)got;
  process(c);
  return flush(c);
}

static uint8_t *load(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) perror(path), exit(1);
  uint8_t *message = malloc(1 << 24);
  *length = fread(message, 1, 1 << 24, file);
  fclose(file);
  return message;
}

static void load_event(const char *path) {
  uint8_t *event = load(path, &event_length);
  if (event_length == 0 || event_length > MAX_FRAME) fputs("backend: an event is 1 to 16384 bytes\n", stderr), exit(1);
  event_messages = malloc(MAX_EVENTS * event_length);
  for (size_t i = 0; i < MAX_EVENTS; i++) memcpy(event_messages + i * event_length, event, event_length);
  free(event);
}

int main(int count, char **arguments) {
  if (count < 2) return fputs("usage: backend PORT [LIST [EVENT]]\n", stderr), 2;
  if (count > 2) list_message = load(arguments[2], &list_length);
  if (count > 3) load_event(arguments[3]);
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  if (bind(listener, (void *)&address, length) < 0 || listen(listener, 4096) < 0) return perror("backend"), 1;
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
