import { Text } from "@codemirror/state";
import { expect, it } from "vitest";
import { offsetOf, positionAt } from "./carets";

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
