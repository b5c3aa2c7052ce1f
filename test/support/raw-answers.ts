/** Answers of one HTTP/1.1 connection, taken apart by content-length or chunks; latin1 throughout. Not for HEAD. */
export interface RawAnswer {
  readonly head: string;
  readonly body: string;
}

export function splitAnswers(received: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = received; rest !== "";) {
    const headEnd = rest.indexOf("\r\n\r\n") + 4;
    if (headEnd < 4) throw new Error(`not an answer: ${JSON.stringify(rest.slice(0, 100))}`);
    const head = rest.slice(0, headEnd);
    rest = rest.slice(headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    const [body, behind] = length === undefined ? chunked(rest) : [rest.slice(0, Number(length)), rest.slice(Number(length))];
    answers.push({ head, body });
    rest = behind;
  }
  return answers;
}

function chunked(text: string): [body: string, behind: string] {
  let body = "";
  let rest = text;
  for (;;) {
    const line = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, line), 16);
    if (Number.isNaN(size)) throw new Error(`not a chunk: ${JSON.stringify(rest.slice(0, 100))}`);
    rest = rest.slice(line + 2);
    if (size === 0) break;
    body += rest.slice(0, size);
    rest = rest.slice(size + 2);
  }
  return [body, rest.slice(rest.startsWith("\r\n") ? 2 : rest.indexOf("\r\n\r\n") + 4)];
}
