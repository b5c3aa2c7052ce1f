/** A1.2, A1.3, A1.8, A1.9, A1.15: HTTP methods, custom kinds, HEAD and OPTIONS, further bindings, and the address every method has. */
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const json = { "content-type": "application/json" };

describe("transcoding: HTTP methods", () => {
  const suite = TranscodingSuite.inSuite({
    Get: { get: "/v1/things/{id}" },
    Put: { put: "/v1/things/{id}", body: "*" },
    Post: { post: "/v1/things/{id}", body: "*" },
    Delete: { delete: "/v1/things/{id}" },
    Patch: { patch: "/v1/things/{id}", body: "node" },
    Report: { custom: "REPORT /v1/things/{id}" },
    OnlyPost: { post: "/v1/only-post", body: "*" },
    OnlyDelete: { delete: "/v1/only-delete/{id}" },
    Any: { custom: "* /v1/any/{id}", body: "*" },
    AnyButGet: { get: "/v1/any/{text}", more: [{ get: "/v1/both/{text}" }] },
    Head: { custom: "HEAD /v1/heads/{id}" },
    HeadOf: { get: "/v1/heads/{text}" },
    Options: { custom: "OPTIONS /v1/options/{id}" },
    Lower: { custom: "report /v1/lower" },
    Many: {
      get: "/v1/many/{id}",
      more: [
        { get: "/v1/users/{text}/many/{id}" },
        { post: "/v1/many", body: "*" },
        { post: "/v1/many/{id}:touch", body: "node" },
        { put: "/v1/many/{id}", body: "text" },
        { delete: "/v1/many/{id}/node/{node.name}" },
        { get: "/v1/many/{id}/node", responseBody: "node" },
        { custom: "PURGE /v1/many/{id}" },
      ],
    },
    First: { get: "/v1/twice/{id}" },
    Second: { get: "/v1/twice/{text}" },
    Unbound: {},
    Claimed: {},
    Claims: { post: "/suite.test.Suite/Claimed", body: "*" },
  });

  describe("each of its own", () => {
    suite.row("GET", { send: "GET /v1/things/7", calls: "Get", arrives: { id: "7" } });
    suite.row("PUT", { send: "PUT /v1/things/7", json: { text: "a" }, calls: "Put", arrives: { id: "7", text: "a" } });
    suite.row("POST", { send: "POST /v1/things/7", json: { text: "a" }, calls: "Post", arrives: { id: "7", text: "a" } });
    suite.row("DELETE", { send: "DELETE /v1/things/7", calls: "Delete", arrives: { id: "7" } });
    suite.row("DELETE with a query", { send: "DELETE /v1/things/7?i32=1", calls: "Delete", arrives: { id: "7", i32: 1 } });
    suite.row("PATCH", {
      send: "PATCH /v1/things/7",
      json: { size: 1 },
      calls: "Patch",
      arrives: { id: "7", node: { size: 1 }, mask: "size" },
    });
    suite.row("a custom kind", { send: "REPORT /v1/things/7?i32=1", calls: "Report", arrives: { id: "7", i32: 1 } });
    suite.row("POST without a body", { send: "POST /v1/things/7", calls: "Post", arrives: { id: "7" } });
    suite.row("PUT with an empty body", { send: "PUT /v1/things/7", headers: json, body: "", calls: "Put", arrives: { id: "7" } });
  });

  describe("the kind *", () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "REPORT", "PROPFIND"])
      suite.row(`takes ${method}`, { send: `${method} /v1/any/7`, calls: "Any", arrives: { id: "7" } });
    suite.row("yields to the exact method", { send: "GET /v1/any/7", calls: "AnyButGet", arrives: { text: "7" } });
    suite.row("takes a body", { send: "POST /v1/any/7", json: { i32: 1 }, calls: "Any", arrives: { id: "7", i32: 1 } });
  });

  describe("HEAD", () => {
    const empty = { text: "" };
    suite.row("is GET without the body", {
      send: "HEAD /v1/things/7",
      calls: "Get",
      arrives: { id: "7" },
      ...empty,
      fields: { "content-type": "application/json" },
    });
    suite.row("says how long the body would be", { send: "HEAD /v1/things/7", calls: "Get", ...empty, fields: { "content-length": "10" } });
    suite.row("is taken by the kind *", { send: "HEAD /v1/any/7", calls: "Any", arrives: { id: "7" }, ...empty });
    suite.row("has a query", { send: "HEAD /v1/things/7?i32=1", calls: "Get", arrives: { id: "7", i32: 1 }, ...empty });
    suite.row("has a rule of its own", { send: "HEAD /v1/heads/7", calls: "Head", arrives: { id: "7" }, ...empty });
    suite.row("of an unknown path is 404", { send: "HEAD /v1/nothing", status: 404, ...empty });
    suite.row("where there is no GET is 405", { send: "HEAD /v1/only-post", status: 405, ...empty, fields: { allow: /POST/ } });
    suite.row("keeps the status of a failure", {
      send: "HEAD /v1/things/7",
      calls: "Get",
      backend: { code: 5, details: "no" },
      status: 404,
      ...empty,
    });
    suite.row("of a bad request is 400", { send: "HEAD /v1/things/7?i32=x", status: 400, ...empty });
  });

  describe("OPTIONS", () => {
    suite.row("lists what the path takes", {
      send: "OPTIONS /v1/things/7",
      status: 204,
      text: "",
      fields: { allow: "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, REPORT" },
    });
    suite.row("lists one method", { send: "OPTIONS /v1/only-post", status: 204, fields: { allow: "OPTIONS, POST" } });
    suite.row("of an unknown path is 404", { send: "OPTIONS /v1/nothing", refused: [404, "UNKNOWN_PATH"] });
    suite.row("of the server", { send: "OPTIONS *", status: 204, text: "", over: "1.1" });
    suite.row("has a rule of its own", { send: "OPTIONS /v1/options/7", calls: "Options", arrives: { id: "7" } });
    suite.row("is taken by the kind *", { send: "OPTIONS /v1/any/7", calls: "Any", arrives: { id: "7" } });
  });

  describe("405 and what the path takes", () => {
    const cases: readonly (readonly [send: string, allow: string])[] = [
      ["GET /v1/only-post", "OPTIONS, POST"],
      ["DELETE /v1/only-post", "OPTIONS, POST"],
      ["get /v1/only-delete/7", "DELETE, OPTIONS"],
      ["POST /v1/only-delete/7", "DELETE, OPTIONS"],
      ["MERGE /v1/things/7", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, REPORT"],
      ["POST /v1/users/u/many/7", "GET, HEAD, OPTIONS"],
      ["GET /v1/many", "OPTIONS, POST"],
      ["PATCH /v1/many/7", "GET, HEAD, OPTIONS, PURGE, PUT"],
      ["GET /suite.test.Suite/Unbound", "OPTIONS, POST"],
      ["PUT /suite.test.Suite/Unbound", "OPTIONS, POST"],
    ];
    for (const [send, allow] of cases) {
      // An HTTP/1.1 parser knows the methods it takes; in HTTP/2 a method is any token.
      const over = send.startsWith("get ") ? { over: "2" as const } : {};
      suite.row(`${send}: ${allow}`, { send, refused: [405, "METHOD_NOT_ALLOWED"], fields: { allow }, ...over });
    }
    suite.row("a body does not matter", { send: "PUT /v1/only-post", json: { id: "7" }, refused: [405, "METHOD_NOT_ALLOWED"] });
    suite.row("a kind in lower case is taken as it is written", { send: "report /v1/lower", calls: "Lower", arrives: {}, over: "2" });
    suite.row("kinds are case-sensitive", { send: "REPORT /v1/lower", refused: [405, "METHOD_NOT_ALLOWED"] });
  });

  describe("additional bindings", () => {
    suite.row("the first", { send: "GET /v1/many/7", calls: "Many", arrives: { id: "7" } });
    suite.row("another path", { send: "GET /v1/users/u/many/7", calls: "Many", arrives: { id: "7", text: "u" } });
    suite.row("another method and body", { send: "POST /v1/many", json: { id: "7" }, calls: "Many", arrives: { id: "7" } });
    suite.row("a verb and a field as body", {
      send: "POST /v1/many/7:touch?i32=1",
      json: { size: 2 },
      calls: "Many",
      arrives: { id: "7", i32: 1, node: { size: 2 } },
    });
    suite.row("a string as body", { send: "PUT /v1/many/7", json: "hello", calls: "Many", arrives: { id: "7", text: "hello" } });
    suite.row("a nested variable", {
      send: "DELETE /v1/many/7/node/n",
      calls: "Many",
      arrives: { id: "7", node: { name: "n" } },
    });
    suite.row("another response body", {
      send: "GET /v1/many/7/node?node.size=3",
      calls: "Many",
      arrives: { id: "7", node: { size: 3 } },
      answer: { size: 3 },
    });
    suite.row("a custom kind", { send: "PURGE /v1/many/7", calls: "Many", arrives: { id: "7" } });
    suite.row("fields of one binding are parameters of another", {
      send: "GET /v1/many/7?text=u",
      calls: "Many",
      arrives: { id: "7", text: "u" },
    });
  });

  describe("one rule twice", () => {
    suite.row("the first wins", { send: "GET /v1/twice/7", calls: "First", arrives: { id: "7" } });
  });

  describe("POST /package.Service/Method", () => {
    suite.row("answers a method without rules", {
      send: "POST /suite.test.Suite/Unbound",
      json: { id: "7", i32: 1 },
      calls: "Unbound",
      arrives: { id: "7", i32: 1 },
    });
    suite.row("answers a method with rules", {
      send: "POST /suite.test.Suite/Get",
      json: { id: "a/b" },
      calls: "Get",
      arrives: { id: "a/b" },
    });
    suite.row("needs no body", { send: "POST /suite.test.Suite/Unbound", headers: json, calls: "Unbound", arrives: {} });
    suite.row("answers with the Status error form", {
      send: "POST /suite.test.Suite/Unbound",
      json: { idd: "7" },
      refused: [400, "UNKNOWN_FIELD", "idd"],
      says: /did you mean id\?/,
    });
    const connect = { ...json, "connect-protocol-version": "1" };
    suite.row("answers Connect too", {
      send: "POST /suite.test.Suite/Unbound",
      headers: connect,
      body: '{"id":"7"}',
      calls: "Unbound",
      arrives: { id: "7" },
    });
    suite.row("answers Connect with its error form", {
      send: "POST /suite.test.Suite/Unbound",
      headers: connect,
      body: '{"idd":"7"}',
      status: 400,
      text: /^\{"code":"invalid_argument"/,
    });
    suite.row("answers Connect with the backend's status", {
      send: "POST /suite.test.Suite/Unbound",
      headers: connect,
      body: "{}",
      calls: "Unbound",
      backend: { code: 5, details: "no" },
      status: 404,
      text: /^\{"code":"not_found","message":"no"/,
    });
    suite.row("yields to a rule that claims it", { send: "POST /suite.test.Suite/Claimed", json: {}, calls: "Claims", arrives: {} });
    suite.row("has no query", { send: "POST /suite.test.Suite/Unbound?id=7", json: {}, refused: [400, "UNKNOWN_FIELD", "id"] });
    suite.row("is case-sensitive", { send: "POST /suite.test.suite/unbound", json: {}, refused: [404, "UNKNOWN_PATH"] });
    suite.row("of an unknown method", { send: "POST /suite.test.Suite/Nothing", json: {}, refused: [404, "UNKNOWN_PATH"] });
  });

  describe("method override is off", () => {
    for (const name of ["x-http-method-override", "x-http-method", "x-method-override"])
      suite.row(`${name} is a header like others`, {
        send: "POST /v1/things/7",
        headers: { [name]: "GET", ...json },
        body: '{"text":"a"}',
        calls: "Post",
        arrives: { id: "7", text: "a" },
        metadata: { [name]: "GET" },
      });
    suite.row("a form is a body, not the query of a GET", {
      send: "POST /v1/things/7",
      headers: { "x-http-method-override": "GET", "content-type": "application/x-www-form-urlencoded" },
      body: "text=a",
      calls: "Post",
      arrives: { id: "7", text: "a" },
    });
  });
});

describe("transcoding: without POST /package.Service/Method", () => {
  const suite = TranscodingSuite.inSuite({ Get: { get: "/v1/things/{id}" } }, { hop: { table: { autoMapping: false } } });
  suite.row("rules are served", { send: "GET /v1/things/7", calls: "Get", arrives: { id: "7" } });
  suite.row("the method's own address is not", { send: "POST /suite.test.Suite/Get", json: {}, refused: [404, "UNKNOWN_PATH"] });
});
