/**
 * The chat page's script, on the browser client: one call is one stay in a room, and a stay that breaks off is taken up behind the last event
 * that was seen. docs/browser.md explains it.
 */
export const pageScript = `import { open } from "/.dragoman/client.js";

const firstWaitMs = 300;
const longestWaitMs = 10_000;
const unavailable = 14;
const deadlineExceeded = 4;
const mostLines = 300;
const usual = ["lobby", "orders", "returns"];

const at = (id) => document.getElementById(id);
const [state, rooms, log, enter, say, problem] = ["state", "rooms", "log", "enter", "say", "problem"].map(at);
const sendButton = say.querySelector("button");
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let room = "";
let name = sessionStorage.getItem("name") ?? "";
let stay = new AbortController();
let call;

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function tell(text, live = false) {
  state.textContent = text;
  state.classList.toggle("live", live);
  sendButton.disabled = !live;
}

function show(event) {
  const stuck = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  if (event.kind === "SAID") {
    const when = new Date(event.at);
    const time = element("time", "", when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = event.at;
    const line = element("li", event.name === name ? "mine" : "");
    line.append(element("div", "who", event.name, time), element("div", "said", event.text));
    log.append(line);
  } else {
    log.append(element("li", "news", event.name + (event.kind === "CAME" ? " came in" : " left")));
    void listRooms();
  }
  while (log.children.length > mostLines) log.firstElementChild.remove();
  if (stuck) log.scrollTop = log.scrollHeight;
  at("present").textContent = event.present === 1 ? "only you" : event.present + " here";
}

/** Stays in the room until \`signal\` says otherwise: a stream that ends is begun anew, behind the last event. */
async function stayIn(here, signal) {
  let last = "0";
  let waitMs = firstWaitMs;
  while (!signal.aborted) {
    tell("Connecting");
    call = open("/v1/rooms/" + encodeURIComponent(here), { signal });
    void call.send({ name, after: last });
    try {
      for await (const event of call) {
        tell("Connected", true);
        waitMs = firstWaitMs;
        last = event.number;
        show(event);
      }
    } catch ({ code, message }) {
      if (signal.aborted) return;
      if (code !== unavailable && code !== deadlineExceeded) {
        tell("Not connected");
        problem.textContent = message;
        return;
      }
    }
    if (signal.aborted) return;
    tell("Connecting again");
    // Not all at once, or the server that just came back goes again.
    await sleep(waitMs * (0.5 + Math.random()));
    waitMs = Math.min(2 * waitMs, longestWaitMs);
  }
}

async function listRooms() {
  const answer = await fetch("/v1/rooms").then((response) => response.json()).catch(() => ({}));
  const known = new Map((answer.rooms ?? []).map(({ name, present }) => [name, present?.length ?? 0]));
  const names = [...new Set([...usual, ...known.keys(), room])].filter((each) => each !== "");
  rooms.replaceChildren(
    ...names.map((each) => {
      const link = element("a", "", each);
      link.href = "#/" + encodeURIComponent(each);
      if (each === room) link.setAttribute("aria-current", "page");
      const count = known.get(each) ?? 0;
      if (count > 0) {
        const present = element("span", "", String(count));
        present.setAttribute("aria-label", count + " here");
        link.append(present);
      }
      return element("li", "", link);
    }),
  );
}

function goTo(next) {
  stay.abort();
  stay = new AbortController();
  room = next;
  document.title = room + ", shop chat";
  at("room").textContent = room;
  at("present").textContent = "";
  problem.textContent = "";
  log.replaceChildren();
  enter.hidden = name !== "";
  say.hidden = name === "";
  tell("");
  void listRooms();
  if (name !== "") void stayIn(room, stay.signal);
}

enter.addEventListener("submit", (event) => {
  event.preventDefault();
  name = at("name").value.trim();
  if (name === "") return;
  sessionStorage.setItem("name", name);
  goTo(room);
  at("text").focus();
});

say.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value;
  if (text.trim() === "" || sendButton.disabled) return;
  void call.send({ text });
  at("text").value = "";
});

/** "#/tea" is the room "tea"; any other fragment is a place on the page. */
function fromAddress() {
  if (!location.hash.startsWith("#/")) return room || usual[0];
  try {
    return decodeURIComponent(location.hash.slice(2)) || usual[0];
  } catch {
    return usual[0];
  }
}

addEventListener("hashchange", () => {
  const next = fromAddress();
  if (next !== room) goTo(next);
});
addEventListener("pagehide", () => stay.abort());
addEventListener("pageshow", ({ persisted }) => persisted && goTo(room));
goTo(fromAddress());
(name === "" ? at("name") : at("text")).focus();
`;
