/** The chat page's style: the colours and shapes of the docs page (src/docs-page/ui/style.css). */
export const pageStyle = `:root {
  color-scheme: light dark;
  --page: light-dark(#ffffff, #0e1416);
  --side: light-dark(#f6f8f8, #12191c);
  --card: light-dark(#eef3f3, #1b262b);
  --field: light-dark(#ffffff, #0e1416);
  --line: light-dark(#dfe6e7, #26333a);
  --edge: light-dark(#7f9094, #62757a);
  --text: light-dark(#16211f, #e3eae9);
  --quiet: light-dark(#55666a, #93a5a9);
  --accent: light-dark(#0f766e, #4fd1c1);
  --on-accent: light-dark(#ffffff, #06211e);
  --mine: light-dark(#dcf1ee, #15403b);
  --hover: light-dark(#e9f1f0, #1b262b);
  --good: light-dark(#116b33, #5fd38d);
  --bad: light-dark(#b42318, #ff8f80);
  --warn: light-dark(#92580a, #f0b45a);
  --top: 3.25rem;
  --radius: 8px;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0;
  height: 100dvh;
  display: grid;
  grid-template: var(--top) minmax(0, 1fr) / 15rem minmax(0, 1fr);
  background: var(--page);
  color: var(--text);
}
h1, h2, p, ul, ol { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font-size: 1.05rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -99rem; z-index: 9; padding: 0.5rem 1rem; background: var(--page); }
.skip:focus { left: 0.5rem; top: 0.5rem; }
.quiet { color: var(--quiet); font-size: 0.87rem; }

header {
  grid-column: 1 / -1;
  display: flex;
  align-items: center;
  gap: 1rem;
  padding: 0 1.25rem;
  border-bottom: 1px solid var(--line);
}
.state { margin-left: auto; color: var(--quiet); font-size: 0.85rem; white-space: nowrap; }
.state:not(:empty)::before {
  content: "";
  display: inline-block;
  width: 0.5rem;
  height: 0.5rem;
  margin-right: 0.45rem;
  border-radius: 50%;
  background: var(--warn);
}
.state.live:not(:empty)::before { background: var(--good); }

nav { padding: 1rem 0.75rem; background: var(--side); border-right: 1px solid var(--line); overflow-y: auto; }
nav h2 { padding: 0 0.5rem 0.3rem; font-size: 0.85rem; color: var(--quiet); font-weight: 600; }
nav a {
  display: flex;
  align-items: center;
  gap: 0.6rem;
  padding: 0.35rem 0.5rem;
  border-radius: 6px;
  color: inherit;
  text-decoration: none;
  overflow-wrap: anywhere;
}
nav a:hover { background: var(--hover); }
nav a[aria-current] { background: var(--hover); color: var(--accent); font-weight: 600; }
nav a span { margin-left: auto; color: var(--quiet); font-size: 0.8rem; font-weight: 400; white-space: nowrap; }

main { display: flex; flex-direction: column; min-width: 0; padding: 0 1.5rem 1rem; }
.room { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.75rem; padding: 1rem 0 0.6rem; }
.room h2 { font-size: 1.3rem; letter-spacing: -0.01em; overflow-wrap: anywhere; }
#log {
  flex: 1;
  overflow-y: auto;
  display: flex;
  flex-direction: column;
  gap: 0.5rem;
  padding: 0.75rem 0.25rem;
}
#log::before { content: ""; margin-top: auto; }
#log li { max-width: min(38rem, 85%); align-self: flex-start; overflow-wrap: anywhere; }
#log .who { display: flex; gap: 0.5rem; align-items: baseline; padding: 0 0.2rem 0.1rem; font-size: 0.82rem; font-weight: 600; }
#log time { color: var(--quiet); font-weight: 400; font-size: 0.78rem; }
#log .said { padding: 0.45rem 0.8rem; border-radius: 4px 14px 14px 14px; background: var(--card); }
#log .mine { align-self: flex-end; }
#log .mine .who { justify-content: flex-end; }
#log .mine .said { border-radius: 14px 4px 14px 14px; background: var(--mine); }
#log .news { align-self: center; color: var(--quiet); font-size: 0.82rem; }

form { display: flex; align-items: center; gap: 0.6rem; padding-top: 0.5rem; }
input {
  flex: 1;
  min-width: 0;
  padding: 0.6rem 0.8rem;
  border: 1px solid var(--edge);
  border-radius: var(--radius);
  background: var(--field);
  color: inherit;
  font: inherit;
}
input::placeholder { color: var(--quiet); opacity: 1; }
button {
  padding: 0.6rem 1.2rem;
  border: 1px solid var(--accent);
  border-radius: var(--radius);
  background: var(--accent);
  color: var(--on-accent);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
button:disabled { opacity: 0.5; cursor: default; }
#enter { max-width: 30rem; }
.problem { color: var(--bad); font-size: 0.9rem; padding-top: 0.4rem; }
.problem:empty { display: none; }

@media (max-width: 40rem) {
  body { grid-template: var(--top) auto minmax(0, 1fr) / minmax(0, 1fr); }
  nav { padding: 0.4rem 0.75rem; border-right: 0; border-bottom: 1px solid var(--line); }
  nav h2 { display: none; }
  nav ul { display: flex; gap: 0.25rem; overflow-x: auto; }
  nav a { white-space: nowrap; }
  main { padding: 0 1rem 0.75rem; }
}
`;
