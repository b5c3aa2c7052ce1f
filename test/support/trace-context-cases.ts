/**
 * The cases of the W3C's own harness (w3c/trace-context, test/test.py, STRICT_LEVEL 2, SPEC_LEVEL 2), and what SEMANTICS adds to them: what comes
 * in, and what must go out. A case may try several requests.
 */
const traceId = "12345678901234567890123456789012";
const parentId = "1234567890123456";
const valid = `00-${traceId}-${parentId}-01`;
const unsampled = `00-${traceId}-${parentId}-00`;

type Fields = readonly (readonly [name: string, value: string])[];

export interface TraceContextCase {
  /** As the harness calls it; ours begin with "+". */
  readonly name: string;
  readonly fields: Fields;
  /** Whether the caller's trace goes on; else a new one begins. */
  readonly kept: boolean;
  /** `tracestate` as it goes out; undefined: none. */
  readonly state?: string;
  /** Flags as they go out. */
  readonly flags?: string;
}

export const callersTraceId = traceId;
export const callersParentId = parentId;

function kept(name: string, ...fields: Fields): TraceContextCase {
  return { name, fields, kept: true };
}

function begun(name: string, ...fields: Fields): TraceContextCase {
  return { name, fields, kept: false };
}

function parent(name: string, value: string, isKept: boolean): TraceContextCase {
  return { name, fields: [["traceparent", value]], kept: isKept };
}

/** Requests with a valid `traceparent` and these `tracestate` fields. */
function state(name: string, values: readonly string[], goesOut: string | undefined): TraceContextCase {
  const fields: Fields = [["traceparent", unsampled], ...values.map((value) => ["tracestate", value] as const)];
  return goesOut === undefined ? { name, fields, kept: true } : { name, fields, kept: true, state: goesOut };
}

function members(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, at) => {
    const number = String(from + at).padStart(2, "0");
    return `bar${number}=${number}`;
  }).join(",");
}

const keyCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
const valueCharacters = [
  [0x20, 0x2b],
  [0x2d, 0x3c],
  [0x3e, 0x7e],
]
  .map(([from, to]) => Array.from({ length: to! - from! + 1 }, (_, at) => String.fromCharCode(from! + at)).join(""))
  .join("");
const tens = [members(1, 10), members(11, 20), members(21, 30)];
const longest = "z".repeat(256);

export const traceContextCases: readonly TraceContextCase[] = [
  begun("both_traceparent_and_tracestate_missing"),
  { ...kept("traceparent_included_tracestate_missing", ["traceparent", valid]), flags: "01" },
  begun(
    "traceparent_duplicated",
    ["traceparent", `00-${traceId.slice(0, -1)}1-${parentId}-01`],
    ["traceparent", `00-${traceId.slice(0, -1)}2-${parentId}-01`],
  ),
  begun("+ traceparent_duplicated, the same twice", ["traceparent", valid], ["traceparent", valid]),
  parent("+ traceparent_duplicated, joined by a comma", `${valid},${valid}`, false),
  begun("traceparent_header_name", ["trace-parent", valid]),
  begun("traceparent_header_name", ["trace.parent", valid]),
  kept("traceparent_header_name_valid_casing", ["TraceParent", valid]),
  kept("traceparent_header_name_valid_casing", ["TrAcEpArEnT", valid]),
  kept("traceparent_header_name_valid_casing", ["TRACEPARENT", valid]),
  parent("traceparent_version_0x00", `${valid}.`, false),
  parent("traceparent_version_0x00", `${valid}-what-the-future-will-be-like`, false),
  parent("traceparent_version_0xcc", `cc${valid.slice(2)}`, true),
  parent("traceparent_version_0xcc", `cc${valid.slice(2)}-what-the-future-will-be-like`, true),
  parent("traceparent_version_0xcc", `cc${valid.slice(2)}.what-the-future-will-be-like`, false),
  parent("traceparent_version_0xff", `ff${valid.slice(2)}`, false),
  parent("traceparent_version_illegal_characters", `.0${valid.slice(2)}`, false),
  parent("traceparent_version_illegal_characters", `0.${valid.slice(2)}`, false),
  parent("traceparent_version_too_long", `0${valid}`, false),
  parent("traceparent_version_too_long", `00${valid}`, false),
  parent("traceparent_version_too_short", valid.slice(1), false),
  parent("traceparent_trace_id_all_zero", `00-${"0".repeat(32)}-${parentId}-01`, false),
  parent("traceparent_trace_id_illegal_characters", `00-.${traceId.slice(1)}-${parentId}-01`, false),
  parent("traceparent_trace_id_illegal_characters", `00-${traceId.slice(0, -1)}.-${parentId}-01`, false),
  parent("+ traceparent_trace_id_upper_case", `00-${"A".repeat(32)}-${parentId}-01`, false),
  parent("traceparent_trace_id_too_long", `00-${traceId}3-${parentId}-01`, false),
  parent("traceparent_trace_id_too_short", `00-${traceId.slice(0, -1)}-${parentId}-01`, false),
  parent("traceparent_parent_id_all_zero", `00-${traceId}-${"0".repeat(16)}-01`, false),
  parent("traceparent_parent_id_illegal_characters", `00-${traceId}-.${parentId.slice(1)}-01`, false),
  parent("traceparent_parent_id_illegal_characters", `00-${traceId}-${parentId.slice(0, -1)}.-01`, false),
  parent("traceparent_parent_id_too_long", `00-${traceId}-${parentId}7-01`, false),
  parent("traceparent_parent_id_too_short", `00-${traceId}-${parentId.slice(0, -1)}-01`, false),
  parent("traceparent_trace_flags_illegal_characters", `00-${traceId}-${parentId}-.0`, false),
  parent("traceparent_trace_flags_illegal_characters", `00-${traceId}-${parentId}-0.`, false),
  parent("traceparent_trace_flags_too_long", `00-${traceId}-${parentId}-001`, false),
  parent("traceparent_trace_flags_too_short", `00-${traceId}-${parentId}-1`, false),
  parent("traceparent_ows_handling", ` ${valid}`, true),
  parent("traceparent_ows_handling", `\t${valid}`, true),
  parent("traceparent_ows_handling", `${valid} `, true),
  parent("traceparent_ows_handling", `${valid}\t`, true),
  parent("traceparent_ows_handling", `\t ${valid} \t`, true),
  begun("tracestate_included_traceparent_missing", ["tracestate", "foo=1"]),
  begun("tracestate_included_traceparent_missing", ["tracestate", "foo=1,bar=2"]),
  begun("+ tracestate_included_traceparent_invalid", ["traceparent", `${valid}.`], ["tracestate", "foo=1"]),
  state("tracestate_included_traceparent_included", ["foo=1,bar=2"], "foo=1,bar=2"),
  kept("tracestate_header_name", ["traceparent", unsampled], ["trace-state", "foo=1"]),
  kept("tracestate_header_name", ["traceparent", unsampled], ["trace.state", "foo=1"]),
  { ...kept("tracestate_header_name_valid_casing", ["traceparent", unsampled], ["TraceState", "foo=1"]), state: "foo=1" },
  { ...kept("tracestate_header_name_valid_casing", ["traceparent", unsampled], ["TrAcEsTaTe", "foo=1"]), state: "foo=1" },
  { ...kept("tracestate_header_name_valid_casing", ["traceparent", unsampled], ["TRACESTATE", "foo=1"]), state: "foo=1" },
  state("tracestate_empty_header", [""], undefined),
  state("tracestate_empty_header", ["foo=1", ""], "foo=1"),
  state("tracestate_empty_header", ["", "foo=1"], "foo=1"),
  state("tracestate_multiple_headers_different_keys", ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
  state("tracestate_duplicated_keys", ["foo=1,foo=1"], "foo=1"),
  state("tracestate_duplicated_keys", ["foo=1,foo=2"], "foo=1"),
  state("tracestate_duplicated_keys", ["foo=1", "foo=1"], "foo=1"),
  state("tracestate_duplicated_keys", ["foo=1", "foo=2"], "foo=1"),
  state("tracestate_all_allowed_characters", [`${keyCharacters}=${valueCharacters}`], `${keyCharacters}=${valueCharacters}`),
  state(
    "tracestate_all_allowed_characters",
    [`${keyCharacters}@a-z0-9_-*/=${valueCharacters}`],
    `${keyCharacters}@a-z0-9_-*/=${valueCharacters}`,
  ),
  state("tracestate_ows_handling", ["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
  state("tracestate_ows_handling", ["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
  state("tracestate_ows_handling", [" foo=1"], "foo=1"),
  state("tracestate_ows_handling", ["\tfoo=1"], "foo=1"),
  state("tracestate_ows_handling", ["foo=1 "], "foo=1"),
  state("tracestate_ows_handling", ["foo=1\t"], "foo=1"),
  state("tracestate_ows_handling", ["\t foo=1 \t"], "foo=1"),
  state("tracestate_key_illegal_characters", ["foo =1"], undefined),
  state("tracestate_key_illegal_characters", ["FOO=1"], undefined),
  state("tracestate_key_illegal_characters", ["foo.bar=1"], undefined),
  state("tracestate_key_illegal_vendor_format", ["foo@=1,bar=2"], "foo@=1,bar=2"),
  state("tracestate_key_illegal_vendor_format", ["@foo=1,bar=2"], undefined),
  state("tracestate_key_illegal_vendor_format", ["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
  state("tracestate_key_illegal_vendor_format", ["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2"),
  state("tracestate_member_count_limit", [...tens, members(31, 32)], members(1, 32)),
  state("tracestate_member_count_limit", [...tens, members(31, 33)], undefined),
  state("tracestate_key_length_limit", ["foo=1", `${longest}=1`], `foo=1,${longest}=1`),
  state("tracestate_key_length_limit", ["foo=1", `${longest}z=1`], undefined),
  ...["t".repeat(241) + "@" + "v".repeat(14), "t".repeat(242) + "@v", "t@" + "v".repeat(15)].map((key) =>
    state("tracestate_key_length_limit", ["foo=1", `${key}=1`], `foo=1,${key}=1`),
  ),
  state("tracestate_value_illegal_characters", ["foo=bar=baz"], undefined),
  state("tracestate_value_illegal_characters", ["foo=,bar=3"], undefined),
  state("+ tracestate_value_length_limit", [`foo=${"v".repeat(256)}`], `foo=${"v".repeat(256)}`),
  state("+ tracestate_value_length_limit", [`foo=${"v".repeat(257)}`], undefined),
  state("+ tracestate_key_begins_with_digit", ["0a=1"], "0a=1"),
  begun("multiple_requests_with_illegal_traceparent", ["traceparent", `00-${"0".repeat(32)}-${parentId}-01`]),
  { ...parent("propagates_random_flag", `00-${traceId}-${parentId}-02`, true), flags: "02" },
  { ...parent("+ flags: sampled and random", `00-${traceId}-${parentId}-03`, true), flags: "03" },
  { ...parent("+ flags: unknown ones are cleared", `00-${traceId}-${parentId}-ff`, true), flags: "03" },
  { ...parent("+ flags: of a higher version, known ones only", `cc-${traceId}-${parentId}-fd-more`, true), flags: "01" },
];
