import { Text } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { leftward, offsetOf, positionAt } from "./carets";

const doc = Text.of(["one", "", "three"]);

it("finds the same places in the text as the wire names", () => {
  for (const [line, column, offset] of [
    [0, 0, 0],
    [0, 3, 3],
    [1, 0, 4],
    [2, 5, 10],
  ] as const) {
    expect(offsetOf(doc, { line, column })).toBe(offset);
    expect(positionAt(doc, offset)).toEqual({ line, column });
  }
});

it("stays within the text when someone else has a longer one", () => {
  expect(offsetOf(doc, { line: 1, column: 99 })).toBe(4);
  expect(offsetOf(doc, { line: 99, column: 0 })).toBe(10);
  expect(offsetOf(doc, { line: Number.MAX_SAFE_INTEGER, column: Number.MAX_SAFE_INTEGER })).toBe(10);
});

describe("a name at a caret", () => {
  it("stands to the right, and to the left only where it is whole there and not here", () => {
    expect(leftward(0, 400, 60)).toBe(false);
    expect(leftward(380, 20, 60)).toBe(true);
    // A narrow text, or one that has no size yet: a name at a line's start must not hide under the line's number.
    expect(leftward(0, 40, 60)).toBe(false);
    expect(leftward(0, 0, 60)).toBe(false);
  });
});
