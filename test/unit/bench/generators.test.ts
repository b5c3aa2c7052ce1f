import assert from "node:assert/strict";
import { readH2load, readSocketLoad, readWrk, wrkScript } from "../../../bench/load/generators.ts";
import { chartSvg } from "../../../bench/load/chart.ts";
import { expectedAnswer, HTTP_REQUESTS, listAnswer, SOCKET_TEXT } from "../../../bench/load/payloads.ts";
import { median } from "../../../bench/load/statistics.ts";

const WRK = `Running 2s test @ http://127.0.0.1:8080/v1/hello/world
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  312.00us  12.20ms   91.11%
  Latency Distribution
     50%    0.97ms
     75%    1.10ms
     90%  131.00us
     99%    2.10s
  126301 requests in 2.00s, 17.59MB read
  Socket errors: connect 0, read 3, write 0, timeout 1
  Non-2xx or 3xx responses: 7
Requests/sec:  63145.07
Transfer/sec:      8.79MB
`;

const H2LOAD = `finished in 2.00s, 449504.00 req/s, 18.00MB/s
requests: 899008 total, 899072 started, 899008 done, 899000 succeeded, 8 failed, 2 errored, 0 timeout
status codes: 898990 2xx, 0 3xx, 0 4xx, 10 5xx
`;

describe("the benchmark's instruments", () => {
  it("read what wrk prints, failures included", () => {
    assert.deepEqual(readWrk(WRK), { completed: 126301, perSecond: 63145.07, p50Us: 970, p99Us: 2.1e6, failed: 11 });
  });

  it("read what h2load prints; an answer other than 2xx is a failure", () => {
    assert.deepEqual(readH2load(H2LOAD), { completed: 899000, perSecond: 449504, p50Us: undefined, p99Us: undefined, failed: 20 });
  });

  it("refuse output they do not understand", () => {
    assert.throws(() => readWrk("unable to connect to 127.0.0.1:1"), /wrk said: unable to connect/);
    assert.throws(() => readH2load(""), /h2load said/);
    assert.throws(() => readSocketLoad("Error: no upgrade"), /socket-load said: Error: no upgrade/);
  });

  it("read what the socket load prints, whatever stands beside it", () => {
    const said = 'the connection was closed\n{"completed":10,"failed":1,"perSecond":5.5}\n';
    assert.deepEqual(readSocketLoad(said), { completed: 10, failed: 1, perSecond: 5.5, p50Us: undefined, p99Us: undefined });
  });

  it("give wrk the request as text that Lua reads", () => {
    const script = wrkScript({ method: "POST", path: "/", headers: [["a", 'b"c']], body: '{"x":"\\n"}' });
    assert.equal(
      script,
      'wrk.method = "POST"\nwrk.headers["a"] = "b\\"c"\nwrk.body = "\\123\\034\\120\\034\\058\\034\\092\\110\\034\\125"\n',
    );
  });

  it("send the sizes that the tables name", () => {
    const post = Buffer.byteLength(HTTP_REQUESTS["rest-post"].body!);
    assert.ok(post > 850 && post < 950, `${post} bytes`);
    const list = JSON.stringify(expectedAnswer("rest-list")).length;
    assert.ok(list > 85_000 && list < 95_000, `${list} bytes of JSON`);
    assert.ok(listAnswer().length > 45_000);
    const heads = HTTP_REQUESTS["rest-get"].headers;
    assert.equal(heads.length + 1, 10, "with Host");
  });

  it("send WebSockets texts of 100 bytes", () => {
    assert.equal(Buffer.byteLength(SOCKET_TEXT), 100);
  });

  it("take the middle", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
  });

  it("draw a bar for each contestant", () => {
    const row = {
      name: "a<b",
      cpuUs: { median: 10, min: 9 },
      perSecond: 1,
      p50Us: 1,
      p99Us: 1,
      residentMb: 1,
      failed: 0,
      utilisation: 1,
      rounds: [],
    };
    const scenario = { kind: "wrk", name: "x", title: "X", route: "rest-get", connections: 1 } as const;
    const svg = chartSvg([{ scenario, load: [row, { ...row, name: "dragoman" }], failures: [] }]);
    assert.equal(svg.match(/<rect/g)?.length, 2);
    assert.match(svg, /a&lt;b/);
    assert.match(svg, /class="ours"/);
  });
});
