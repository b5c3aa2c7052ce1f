/** Which pages of other origins may call, and what their scripts may see of the answers. */
import * as z from "zod/mini";
import { described, duration, setting } from "../policies/settings.ts";
import { originPattern } from "./origins.ts";

const fieldName = z
  .string({ error: "expected the name of a header" })
  .check(z.regex(/^[!#$%&'*+.^`|~\w-]{1,128}$/, "expected the name of a header"));

export const cors = z
  .strictObject({
    origins: described(
      z.array(originPattern).check(z.minLength(1, "expected at least one origin")),
      "Who may call: `https://app.example.com`, `https://*.example.com`, `http://localhost:*`, or `*` for everyone.",
    ),
    credentials: setting(z.boolean(), false, "Lets browsers send cookies and client certificates. Not with `*`."),
    requestHeaders: setting(z.array(fieldName), [], "Request headers that scripts may set; every one unless set."),
    exposedHeaders: setting(
      z.array(fieldName),
      [],
      "Answer headers that scripts may read, beside the status of a call; every one unless set.",
    ),
    maxAge: setting(duration, "2h", "How long browsers remember a preflight."),
    privateNetwork: setting(z.boolean(), false, "Lets pages of the public internet reach this listener in a private network."),
  })
  .check((payload) => {
    const { origins, credentials } = payload.value;
    if (credentials && origins.includes("*"))
      payload.issues.push({
        code: "custom",
        message: "would let every page of the internet act as its visitor: name the origins instead of *",
        path: ["credentials"],
        input: credentials,
      });
  });
