/** Forms over REST: urlencoded and multipart bodies onto fields, files to bytes and google.api.HttpBody. */
import assert from "node:assert/strict";
import { errorOf, streamOf, TranscodingHop } from "../support/transcoding-hop.ts";

const urlencoded = { "content-type": "application/x-www-form-urlencoded" };
const multipart = { "content-type": "multipart/form-data; boundary=XX" };

describe("forms over REST", () => {
  const rest = TranscodingHop.inSuite();

  describe("urlencoded", () => {
    const accepted: [body: string, answer: object][] = [
      ["title=a", { title: "a" }],
      ["title=a+b%2Bc%20%C3%A9", { title: "a b+c é" }],
      ["title=grüße", { title: "grüße" }],
      ["title=", {}],
      ["title", {}],
      ["title=a&", { title: "a" }],
      ["count=7&agreed=true&kind=KIND_LARGE", { count: 7, agreed: true, kind: "KIND_LARGE" }],
      ["kind=1", { kind: "KIND_SMALL" }],
      ["tags=a&tags=b", { tags: ["a", "b"] }],
      ["labels[k]=v&labels%5Bl%5D=w", { labels: { k: "v", l: "w" } }],
      ["inner.key=a&inner.deeper.value=3", { inner: { key: "a", deeper: { value: 3 } } }],
      ["blob=AQI%3D&wrapped=AQI%3D", { blob: "AQI=", wrapped: "AQI=" }],
      ["at=2026-01-31T12:00:00Z", { at: "2026-01-31T12:00:00Z" }],
      ["left=a", { left: "a" }],
      ["snake_name=a", { snakeName: "a" }],
      ["snakeName=a", { snakeName: "a" }],
      ["", {}],
    ];
    for (const [body, answer] of accepted)
      it(`takes ${body}`, async () => {
        const response = await rest.send("POST", "/v1/form", urlencoded, body);
        const received: unknown = await response.json();
        assert.equal(response.status, 200, JSON.stringify(received));
        assert.deepEqual(received, answer);
      });

    it("with a charset, onto a field of the message, beside path and query", async () => {
      const headers = { "content-type": "application/x-www-form-urlencoded; charset=UTF-8" };
      const response = await rest.send("PUT", "/v1/form/t?count=2", headers, "key=a&deeper.value=1");
      assert.deepEqual(await response.json(), { title: "t", count: 2, inner: { key: "a", deeper: { value: 1 } } });
    });

    it("what the path binds stays the path's", async () => {
      const response = await rest.send("PUT", "/v1/titled/t", urlencoded, "title=other&count=1");
      assert.deepEqual(await response.json(), { title: "t", count: 1 });
    });

    const refused: [body: string, status: number, reason: string, message: RegExp, field?: string][] = [
      ["txtle=a", 400, "UNKNOWN_FIELD", /unknown form field "txtle" \(did you mean title\?\)/, "txtle"],
      ["count=x", 400, "INVALID_PARAMETER", /form field "count" must be a whole number/, "count"],
      ["title=a&title=b", 400, "INVALID_PARAMETER", /form field "title" is given twice/, "title"],
      ["left=a&right=b", 400, "INVALID_PARAMETER", /is one of choice/, "right"],
      ["title=%zz", 400, "INVALID_PARAMETER", /form field "title" holds a malformed percent escape/, "title"],
      ["title=%ff", 400, "INVALID_PARAMETER", /form field "title" is not UTF-8/, "title"],
      ["%zz=a", 400, "INVALID_PARAMETER", /the name of a form field holds a malformed escape/],
      ["inner=a", 400, "INVALID_PARAMETER", /form field "inner" is a message/, "inner"],
      ["labels=a", 400, "INVALID_PARAMETER", /is a map/, "labels"],
      ["items[0].key=a", 400, "INVALID_PARAMETER", /is a repeated field/, "items"],
      ["kind=KIND_HUGE", 400, "INVALID_PARAMETER", /form field "kind" must be/, "kind"],
      ["tags=a&".repeat(1001), 400, "INVALID_PARAMETER", /more than 1000 form fields/],
      [`inner.${"deeper.".repeat(40)}key=a`, 400, "INVALID_PARAMETER", /nested deeper/],
      ["title=" + "a".repeat(5 << 20), 413, "MESSAGE_TOO_LARGE", /larger than the limit/],
    ];
    for (const [body, status, reason, message, field] of refused)
      it(`refuses ${body.slice(0, 40)}: ${status} ${reason}`, async () => {
        const response = await rest.send("POST", "/v1/form", urlencoded, body);
        const error = await errorOf(response);
        assert.equal(response.status, status, JSON.stringify(error));
        assert.equal(error.details[0]?.reason, reason);
        assert.match(error.message, message);
        if (field !== undefined) assert.equal(error.details[1]?.fieldViolations?.[0]?.field, field);
      });

    it("a method without a body takes no form", async () => {
      const response = await rest.send("POST", "/v1/end", urlencoded, "code=0&message=fine");
      assert.deepEqual(await response.json(), { title: "fine" });
    });
  });

  describe("multipart", () => {
    const part = (head: string, data: string): string => `--XX\r\nContent-Disposition: form-data; ${head}\r\n\r\n${data}\r\n`;
    const body = (...parts: string[]): string => `${parts.join("")}--XX--\r\n`;

    it("from a browser's FormData: fields and files", async () => {
      const form = new FormData();
      form.set("title", 'grüße & "quotes"\r\n');
      form.append("tags", "a");
      form.append("tags", "b");
      form.set("count", "7");
      form.set("inner.key", "k");
      form.set("labels[x]", "y");
      form.set("blob", new Blob([Buffer.from([0, 1, 255, 13, 10])]), "blob.bin");
      form.append("blobs", new Blob(["one"]), "1");
      form.append("blobs", new Blob(["--XX"]), "2");
      form.set("wrapped", new Blob(["w"]), "w");
      const response = await rest.send("POST", "/v1/form", {}, form);
      assert.deepEqual(await response.json(), {
        title: 'grüße & "quotes"\r\n',
        count: 7,
        tags: ["a", "b"],
        labels: { x: "y" },
        inner: { key: "k" },
        blob: "AAH/DQo=",
        wrapped: "dw==",
        blobs: ["b25l", "LS1YWA=="],
      });
    });

    it("files to HttpBody, with their type; beside the path", async () => {
      const form = new FormData();
      form.set("file", new Blob(["a{}"], { type: "text/css" }), "a.css");
      form.set("keep", "true");
      form.append("more", new Blob(["1"], { type: "text/plain" }), "1");
      form.append("more", new Blob(["2"], { type: "image/png" }), "2");
      const response = await rest.send("POST", "/v1/parts/n", {}, form);
      const answer = (await response.json()) as Record<string, unknown>;
      assert.deepEqual(
        [answer["name"], answer["contentType"], answer["size"], answer["keep"], answer["more"]],
        ["n", "text/css", "3", true, ["text/plain:1", "image/png:2"]],
      );
    });

    const accepted: [what: string, body: string, answer: object][] = [
      ["an empty value", body(part('name="title"', "")), {}],
      ["an empty file", body(part('name="blob"; filename="x"', "")), {}],
      ["a name without quotes", body(part("name=title", "a")), { title: "a" }],
      ["a line end before the first boundary", `\r\n${body(part('name="title"', "a"))}`, { title: "a" }],
      ["no line end behind the last", body(part('name="title"', "a")).slice(0, -2), { title: "a" }],
      ["what looks like a boundary", body(part('name="title"', "a\r\n--X\r\n--XY-X\r\n-")), { title: "a\r\n--X\r\n--XY-X\r\n-" }],
      ["base64 where it is text", body(part('name="blob"', "AQI=")), { blob: "AQI=" }],
      [
        "headers in any case, others ignored",
        `--XX\r\ncontent-DISPOSITION:form-data; name="title"\r\nX-A: b\r\n\r\na\r\n--XX--`,
        { title: "a" },
      ],
      [
        "JSON for a message",
        `--XX\r\nContent-Disposition: form-data; name="inner"\r\nContent-Type: application/json\r\n\r\n{"key":"k"}\r\n--XX--`,
        { inner: { key: "k" } },
      ],
      [
        "JSON for elements",
        `--XX\r\nContent-Disposition: form-data; name="items"; filename=a.json\r\nContent-Type: application/json\r\n\r\n{"key":"k"}\r\n--XX--`,
        { items: [{ key: "k" }] },
      ],
    ];
    for (const [what, text, answer] of accepted)
      it(`takes ${what}, however it is cut`, async () => {
        for (const sent of [text, streamOf([...text])]) {
          const response = await rest.send("POST", "/v1/form", multipart, sent);
          const received: unknown = await response.json();
          assert.equal(response.status, 200, JSON.stringify(received));
          assert.deepEqual(received, answer);
        }
      });

    const refused: [what: string, body: string, status: number, reason: string, message: RegExp][] = [
      ["no boundary at all", "hello", 400, "BAD_REQUEST", /does not begin with its boundary \(at byte 0\)/],
      [
        "text before the boundary",
        `preamble\r\n${body(part('name="title"', "a"))}`,
        400,
        "BAD_REQUEST",
        /does not begin with its boundary/,
      ],
      ["no parts", "--XX--", 400, "BAD_REQUEST", /it has no parts/],
      ["no last boundary", part('name="title"', "a"), 400, "BAD_REQUEST", /the last boundary is missing/],
      ["an unfinished head", "--XX\r\nContent-Disp", 400, "BAD_REQUEST", /the last boundary is missing/],
      ["something behind the last boundary", `${body(part('name="title"', "a"))}epilogue`, 400, "BAD_REQUEST", /follows the last boundary/],
      ["a boundary in a line", "--XXmore\r\n", 400, "BAD_REQUEST", /neither a line end nor two dashes/],
      ["a part without a name", body(part("", "a")), 400, "BAD_REQUEST", /part 1 has no/],
      ["an empty name", body(part('name=""', "a")), 400, "BAD_REQUEST", /part 1 has no name/],
      [
        "a part without a disposition",
        "--XX\r\nContent-Type: a/b\r\n\r\na\r\n--XX--",
        400,
        "BAD_REQUEST",
        /part 1 has no content disposition/,
      ],
      [
        "another disposition",
        "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\na\r\n--XX--",
        400,
        "BAD_REQUEST",
        /part 1 has no content disposition/,
      ],
      ["a name twice in a head", body(part('name="title"; name="count"', "a")), 400, "BAD_REQUEST", /part 1 has no/],
      ["a part without a head", "--XX\r\n\r\na\r\n--XX--", 400, "BAD_REQUEST", /the last boundary is missing|head of part 1/],
      ["a broken head", "--XX\r\nnonsense\r\n\r\na\r\n--XX--", 400, "BAD_REQUEST", /the head of part 1 is not well formed/],
      [
        "a head that is too large",
        `--XX\r\nX-A: ${"a".repeat(5000)}\r\n\r\n--XX--`,
        400,
        "BAD_REQUEST",
        /head of part 1 is larger than 4096 bytes/,
      ],
      ["a name that is too long", body(part(`name="${"n".repeat(600)}"`, "a")), 400, "BAD_REQUEST", /part 1 has a name longer than 512/],
      [
        "a transfer encoding",
        `--XX\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\na\r\n--XX--`,
        400,
        "BAD_REQUEST",
        /transfer encoding/,
      ],
      ["too many parts", body(...Array.from({ length: 1001 }, () => part('name="tags"', "a"))), 400, "BAD_REQUEST", /more than 1000 parts/],
      ["an unknown name", body(part('name="txtle"', "a")), 400, "UNKNOWN_FIELD", /unknown form field "txtle" \(did you mean title\?\)/],
      ["a file for a number", body(part('name="count"; filename="x"', "a")), 400, "INVALID_PARAMETER", /form field "count" must be/],
      [
        "a field twice",
        body(part('name="blob"; filename=a', "a"), part('name="blob"', "")),
        400,
        "INVALID_PARAMETER",
        /"blob" is given twice/,
      ],
      [
        "JSON that does not fit",
        `--XX\r\nContent-Disposition: form-data; name="inner"\r\nContent-Type: application/json\r\n\r\n{"value":"x"}\r\n--XX--`,
        400,
        "INVALID_JSON",
        /inner\.value/,
      ],
    ];
    for (const [what, text, status, reason, message] of refused)
      it(`refuses ${what}: ${status} ${reason}`, async () => {
        const response = await rest.send("POST", "/v1/form", multipart, text);
        const error = await errorOf(response);
        assert.equal(response.status, status, JSON.stringify(error));
        assert.equal(error.details[0]?.reason, reason);
        assert.match(error.message, message);
      });

    it("refuses text that is not UTF-8", async () => {
      const bytes = Buffer.from(body(part('name="title"', "\xff")), "latin1");
      const response = await rest.send("POST", "/v1/form", multipart, bytes);
      assert.equal(response.status, 400);
      assert.match((await errorOf(response)).message, /form field "title" is not UTF-8/);
    });

    for (const contentType of [
      "multipart/form-data",
      'multipart/form-data; boundary=""',
      "multipart/form-data; boundary=ä",
      "multipart/mixed; boundary=XX",
    ])
      it(`415 for ${contentType}`, async () => {
        const bytes = { "content-type": contentType.replace("ä", "%") };
        assert.equal((await rest.send("POST", "/v1/form", bytes, body(part('name="title"', "a")))).status, 415);
      });
  });
});
