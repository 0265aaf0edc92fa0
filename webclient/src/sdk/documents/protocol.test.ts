import { expect, it } from "vitest";
import { compare, decode, encode } from "./protocol";

const at = { line: 2, column: 5 };
const about = { document_id: "d", user_id: "u" };
const when = "2026-01-01T00:00:00Z";

it("writes one tag per frame", () => {
  expect(encode("CursorUpdate", { ...about, position: at, timestamp: when })).toBe(
    '{"CursorUpdate":{"document_id":"d","user_id":"u","position":{"line":2,"column":5},"timestamp":"2026-01-01T00:00:00Z"}}',
  );
});

it("reads what the server sends, and passes over what it does not know", () => {
  const frame = encode("Comment", { ...about, position: at, content: "why?", timestamp: when });
  expect(decode(frame)).toEqual({
    tag: "Comment",
    payload: { ...about, position: at, content: "why?", timestamp: when },
  });
  expect(decode('{"Applause":{}}')).toBeNull();
  expect(decode('{"toString":{}}')).toBeNull();
});

it.each([
  ["[]", "0 tags"],
  ["{}", "0 tags"],
  ['{"JoinDocument":{},"LeaveDocument":{}}', "2 tags"],
  ['{"JoinDocument":7}', "JoinDocument is no object"],
  ['{"JoinDocument":{"document_id":"d"}}', "user_id should be string"],
  [JSON.stringify({ CursorUpdate: { ...about, timestamp: when, position: { line: -1, column: 0 } } }), "position"],
  [JSON.stringify({ CursorUpdate: { ...about, timestamp: when, position: { line: 0.5, column: 0 } } }), "position"],
  [JSON.stringify({ SelectionUpdate: { ...about, timestamp: when, selection: { start: at } } }), "selection"],
  ["{", "JSON"],
])("says what is wrong with %s", (frame, words) => {
  expect(() => decode(frame)).toThrow(words);
});

it("orders places by line, then by column", () => {
  const places = [at, { line: 0, column: 9 }, { line: 2, column: 4 }];
  expect(places.sort(compare)).toEqual([{ line: 0, column: 9 }, { line: 2, column: 4 }, at]);
});
