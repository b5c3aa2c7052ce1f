/** The files of the chat page by name, "" being the page itself. Text inside the program, so that `dragoman demo` needs no file. */
import { pageHtml } from "./page-html.ts";
import { pageScript } from "./page-script.ts";
import { pageStyle } from "./page-style.ts";

export interface PageFile {
  readonly contentType: string;
  readonly text: string;
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#0f766e" d="M4 5h24v17H15l-7 6v-6H4z"/>
<path stroke="#fff" stroke-width="2.4" stroke-linecap="round" d="M9.5 11h13M9.5 16h8"/></svg>`;

export const chatPage: ReadonlyMap<string, PageFile> = new Map([
  ["", { contentType: "text/html; charset=utf-8", text: pageHtml }],
  ["chat.css", { contentType: "text/css; charset=utf-8", text: pageStyle }],
  ["chat.js", { contentType: "text/javascript; charset=utf-8", text: pageScript }],
  ["icon.svg", { contentType: "image/svg+xml", text: icon }],
]);
